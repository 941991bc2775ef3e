import subprocess
import sys
import time

import pytest

from customer_age.pipeline.cli import cli


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["--help"], 0, "age-restricted goods"),
        (["run", "--help"], 0, "Exit codes"),
        (["run", "--set", "trainer.epoch=3"], 2, "trainer.epoch: no such setting"),
        (["run"], 2, "data.path: no data set given"),
        (["run", "--data", "/nowhere"], 2, "/nowhere"),
        (["run", "--config", "nothing"], 2, "--config nothing"),
        (["predict", "--help"], 0, "age-restricted goods"),
        (["predict", "photo.jpg", "--groups", "0-17"], 2, "--groups 0-17"),
        (["predict", "nothing.csv"], 2, "nothing.csv: there is no such table"),
        (["predict", "nothing*.jpg"], 2, "matches nothing"),
        (["score", "--help"], 0, "age-restricted goods"),
        (["score", "nothing.csv", "--output", "out"], 2, "nothing.csv: there is no such table"),
    ],
)
def test_help_and_mistakes_are_answered_without_tensorflow(arguments, exit_code, says):
    program = (
        "import sys, customer_age.pipeline.cli.cli as cli\n"
        "heavy = ('tensorflow', 'tfx', 'apache_beam', 'mlflow', 'pandas', 'matplotlib')\n"
        "def loaded(): return [name for name in heavy if name in sys.modules]\n"
        "try:\n    cli.main()\n"
        "finally:\n    assert not loaded(), loaded()\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 20, "a hang, not a matter of speed"


def _run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["customer-age", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0, capsys.readouterr()


def test_demo_data_are_drawn_once(monkeypatch, capsys, tmp_path):
    arguments = ("demo-data", tmp_path / "photos", "--photos", 3)
    for _ in range(2):
        exit_code, printed = _run(monkeypatch, capsys, *arguments)
        assert exit_code == 0
        assert printed.out == f"3 drawn faces in {tmp_path / 'photos'}\n"
    assert len((tmp_path / "photos" / "labels.csv").read_text().splitlines()) == 4


def test_demo_data_never_touch_what_they_did_not_draw(monkeypatch, capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    exit_code, printed = _run(monkeypatch, capsys, "demo-data", tmp_path)
    assert exit_code == 2
    assert printed.err.startswith("customer-age: ")
    assert len(printed.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
