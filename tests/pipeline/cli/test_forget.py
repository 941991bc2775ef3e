"""`customer-age forget` at the command line."""

import json

import pytest
from click.testing import CliRunner

from customer_age.errors import NothingFound, RunError, SettingsError
from customer_age.pipeline.cli.cli import cli
from customer_age.pipeline.forgetting import certificate

CARD = "4000-0007"


@pytest.fixture
def inbox(tmp_path, batch, shown):
    folder = tmp_path / "inbox"
    folder.mkdir()
    rows = [shown("a.jpg", CARD, "2020-01-01"), shown("b.jpg", "4000-0008", "2020-01-01")]
    batch(folder, "monday", rows, {CARD: "1990-03-01", "4000-0008": "1990-03-01"})
    return folder


@pytest.fixture
def forget(inbox, tmp_path, person_key):
    person_key(tmp_path / "work")

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


def everything(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes() if file.is_file() else b""
        for file in folder.rglob("*")
    }


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["erase", "look"])
@pytest.mark.parametrize("missing", ["inbox", "work_dir", "person.key"])
def test_what_is_not_there_is_wrong_usage_and_is_not_made(
    inbox, tmp_path, person_key, missing, dry_run
):
    key = person_key(tmp_path / "work")
    if missing == "person.key":
        key.unlink()
    before = everything(tmp_path)
    work = tmp_path / ("nope" if missing == "work_dir" else "work")
    folder = tmp_path / "nope" if missing == "inbox" else inbox
    places = ["--inbox", str(folder), "--work-dir", str(work), *dry_run]
    done = CliRunner().invoke(cli, ["forget", CARD, *places])
    assert isinstance(done.exception, SettingsError)
    assert done.exception.exit_code == 2
    assert missing.removesuffix(".key") in str(done.exception)
    assert done.output == ""
    assert everything(tmp_path) == before


@pytest.mark.parametrize("arguments", [["123"], ["123", "--dry-run"]])
def test_a_card_that_is_in_no_batch_is_told_and_leaves_nothing(forget, tmp_path, arguments):
    before = everything(tmp_path)
    done = forget(*arguments)
    assert isinstance(done.exception, NothingFound)
    assert done.exception.exit_code == 5
    assert str(done.exception).startswith("this card is in no batch")
    assert {name: text for name, text in everything(tmp_path).items() if name != "work/.lock"} == (
        before
    )


def test_a_forgotten_card_is_forgotten_again_without_complaint(forget):
    assert forget(CARD).exit_code == 0
    assert forget(CARD).exit_code == 0


def test_the_end_is_a_signed_certificate(forget, tmp_path):
    done = forget(CARD)
    [file] = (tmp_path / "work" / "certificates").iterdir()
    content = json.loads(file.read_bytes())
    key = (tmp_path / "work" / "person.key").read_text()
    assert certificate.is_genuine(content, key)
    assert not certificate.is_genuine({**content, "ended": "1970-01-01"}, key)
    assert content["subject"] == certificate.subject_hash(CARD, key)
    assert content["subject"] in done.output
    assert content["erased"]["photos"] == 1
    assert content["begun"] <= content["ended"]
    assert CARD not in file.read_text()
    assert content["versions"] == []
    assert "no published version was trained on it" in done.output


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


@pytest.mark.parametrize("arguments", [[CARD], ["--older-than", "1y"]])
def test_what_a_killed_forget_left_stops_nothing_and_goes(forget, inbox, arguments):
    (inbox / "_forgotten").mkdir()
    left = [
        inbox / "_forgotten" / f"{'a' * 32}.5f3e-11",
        inbox / "_forgotten" / "captured_before.5f3e-11",
        inbox / "monday" / ".photos.csv.5f3e.unfinished",
    ]
    for file in left:
        file.write_text(f'{{"card": "{CARD}"}}')
    assert forget(*arguments).exit_code == 0
    assert not any(file.exists() for file in left)
