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


VERBS = (
    ("run", "--data", "photos"),
    ("retrain", "--once"),
    ("retrain", "--status"),
    ("models", "list"),
    ("predict", "a.jpg"),
    ("score", "a.jpg", "--output", "ages"),
    ("forget", "4711"),
    ("check-data", "photos"),
    ("compile", "--target", "kubeflow"),
    ("submit", "--target", "kubeflow", "--host", "http://localhost"),
    ("submit", "--target", "vertex", "--project", "shop-1", "--region", "europe-west4"),
)
WRONG = {
    "registry.uri=shop": "no kind of registry",
    "retraining.ledger=sqlite:///l.sqlite": "not a valid ledger",
    "cluster.pipeline_root=/runs": "not a valid address",
    "data.inbox=ftp://shop/x": "not a valid address",
    f"name={'a' * 64}": "not a valid name",
}


def test_every_verb_judges_all_settings_before_tensorflow_is_imported(tmp_path):
    """In one process for all of them: nothing that is heavy may be imported by any."""
    program = (
        "import contextlib, io, sys\n"
        "from customer_age.pipeline.cli import cli\n"
        f"for verb in {VERBS!r}:\n"
        f"    for wrong, says in {WRONG!r}.items():\n"
        "        sys.argv, said = ['customer-age', *verb, '--set', wrong], io.StringIO()\n"
        "        try:\n"
        "            with contextlib.redirect_stderr(said):\n"
        "                cli.main()\n"
        "        except SystemExit as ended:\n"
        "            assert ended.code == 2, (verb, wrong, ended.code, said.getvalue())\n"
        "        [line] = said.getvalue().splitlines()\n"
        "        assert says in line, (verb, wrong, line)\n"
        "        large = {'tensorflow', 'tfx', 'apache_beam', 'mlflow', 'pandas'}\n"
        "        heavy = large & set(sys.modules)\n"
        "        assert not heavy, (verb, wrong, heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


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
