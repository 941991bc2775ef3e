"""`customer-age forget` at the command line."""

import pytest
from click.testing import CliRunner

from customer_age.errors import RunError
from customer_age.pipeline.cli.cli import cli

CARD = "4000-0007"


@pytest.fixture
def inbox(tmp_path, batch, shown):
    folder = tmp_path / "inbox"
    folder.mkdir()
    rows = [shown("a.jpg", CARD, "2020-01-01"), shown("b.jpg", "4000-0008", "2020-01-01")]
    batch(folder, "monday", rows, {CARD: "1990-03-01", "4000-0008": "1990-03-01"})
    return folder


@pytest.fixture
def forget(inbox, tmp_path):
    def call(*arguments, stdin=None):
        places = ["--inbox", str(inbox), "--work-dir", str(tmp_path / "work")]
        return CliRunner().invoke(cli, ["forget", *arguments, *places], input=stdin)

    return call


@pytest.mark.parametrize("stdin", [None, f"{CARD}\n"], ids=["argument", "standard input"])
def test_a_card_is_forgotten_and_not_repeated(forget, inbox, tmp_path, stdin):
    dry = forget("-" if stdin else CARD, "--dry-run", stdin=stdin)
    assert "would be erased: 1 photos and 2 rows of uploads" in dry.output
    assert (inbox / "monday" / "photos" / "a.jpg").exists()
    done = forget("-" if stdin else CARD, stdin=stdin)
    assert done.exit_code == 0
    assert "\nthe next retraining learns without them" in done.output
    assert [file.name for file in (inbox / "monday" / "photos").iterdir()] == ["b.jpg"]
    written = [file.read_text() for file in (tmp_path / "work").rglob("*") if file.is_file()]
    for text in (dry.output, done.output, *written):
        assert CARD not in text


def test_old_photos_are_forgotten(forget, inbox):
    assert "0 photos" in forget("--older-than", "99y").output
    assert "2 photos and 2 rows" in forget("--older-than", "1y").output
    assert (inbox / "monday" / "photos.csv").read_text() == "file_name,card_id,captured_at\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either a CARD, or --older-than SPAN"),
        ([CARD, "--older-than", "2y"], "give either a CARD, or --older-than SPAN"),
        (["-"], "the card's number is empty"),
    ],
)
def test_mistakes_are_told(forget, arguments, said):
    done = forget(*arguments)
    assert done.exit_code == 2
    assert said in done.output


def test_what_could_not_be_looked_at_is_told(forget, inbox):
    (inbox / "monday" / "photos.csv").write_bytes(b"\xff\xfe\x00broken")
    done = forget(CARD)
    assert isinstance(done.exception, RunError)
    assert "monday/photos.csv: " in str(done.exception)
    assert CARD not in str(done.exception)
