"""`customer-age retrain` in its own process."""

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from customer_age.errors import RunError, SettingsError

verb = importlib.import_module("customer_age.pipeline.cli.retrain")
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"


def retrain(*arguments, wait=True):
    command = [CUSTOMER_AGE, "retrain", *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    if not wait:
        return process
    printed, _ = process.communicate(timeout=120)
    return process.returncode, printed


@pytest.fixture
def places(tmp_path):
    (tmp_path / "inbox").mkdir()
    return "--inbox", tmp_path / "inbox", "--work-dir", tmp_path / "work"


def test_an_empty_inbox(places):
    assert retrain("--once", *places) == (0, "no run: no new photos\n")


def test_status_shows_the_result_of_a_check(places, batch_folder):
    batch_folder("monday")
    code, printed = retrain("--once", *places)
    assert code == 0
    assert printed.startswith("batch monday: 3 new photos\nno run: 3 new photos in 1 batch are not")
    assert retrain("--status", *places) == (0, "batch monday: waiting, 3 photos\n")


@pytest.mark.parametrize(
    ("by", "name", "exit_code"),
    [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)],
)
def test_checks_continue_until_a_signal(places, batch_folder, by, name, exit_code):
    watching = retrain("--watch", "--every", "0.1", *places, wait=False)
    try:
        assert watching.stdout.readline() == "no run: no new photos\n"
        batch_folder("monday")
        deadline = time.monotonic() + 60
        while "monday" not in (line := watching.stdout.readline()):
            assert time.monotonic() < deadline, line
        watching.send_signal(by)
        output, _ = watching.communicate(timeout=60)
        assert output.splitlines()[-1] == f"customer-age: interrupted by {name}"
        assert watching.returncode == exit_code
    finally:
        watching.kill()
        watching.communicate()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "choose one of --once, --watch, --status and --retry"),
        (("--once",), "data.inbox: not set"),
        (
            ("--once", "--inbox", "/there/is/none"),
            "data.inbox: /there/is/none: this folder does not",
        ),
        (("--once", "--target", "nowhere"), "'nowhere' is not one of"),
        (("--once", "--host", "http://host"), "--host is for --target kubeflow"),
        (("--once", "--set", "retraining.tries=0"), "retraining.tries: "),
        (("--once", "--set", "notify.url=nonsense"), "notify.url: "),
    ],
)
def test_wrong_usage_of_retrain_is_reported(tmp_path, arguments, expected):
    code, printed = retrain(*arguments, "--work-dir", tmp_path / "work")
    assert code == 2
    assert expected in printed
    assert "Traceback" not in printed


def test_no_base_set_leaves_nothing_behind(places, batch_folder):
    batch_folder("monday")
    code, printed = retrain("--once", *places, "--set", "retraining.min_photos=1")
    assert code == 2
    assert "data.path: is not set" in printed
    assert retrain("--status", *places) == (0, "batch monday: waiting, 3 photos\n")


def test_a_batch_that_is_not_in_the_ledger_is_wrong_usage(places, batch_folder):
    batch_folder("monday")
    retrain("--once", *places)
    code, printed = retrain("--retry", "nope", *places)
    assert (code, printed) == (
        2,
        "customer-age: --retry nope: the ledger has no batch with that name; see --status\n",
    )


def test_a_batch_that_was_set_aside_is_retried(places, batch_folder):
    folder = batch_folder("monday")
    (folder / "photos.csv").rename(folder / "table.csv")
    assert "batch monday is set aside" in retrain("--once", *places)[1]
    offered = (0, "to be retried at the next check: monday\n")
    assert retrain("--retry", "monday", *places) == offered
    (folder / "table.csv").rename(folder / "photos.csv")
    assert "batch monday: 3 new photos" in retrain("--once", *places)[1]
    not_aside = (0, "batch monday is not set aside: it is waiting\n")
    assert retrain("--retry", "monday", *places) == not_aside


def test_watch_survives_an_inbox_that_disappears_but_not_one_that_never_existed(
    monkeypatch, capsys
):
    looks = iter([0, SettingsError("no such folder"), RunError("the ledger failed"), 0])

    def look():
        looked = next(looks)
        if isinstance(looked, RunError):
            raise looked
        return looked

    monkeypatch.setattr(verb.time, "sleep", lambda _: None)
    with pytest.raises(StopIteration):
        verb._watch(look, 1)
    output = "customer-age: no such folder\ncustomer-age: the ledger failed\n"
    assert capsys.readouterr().err == output

    def never_there():
        raise SettingsError("no such folder")

    with pytest.raises(SettingsError):
        verb._watch(never_there, 1)


@pytest.mark.parametrize("name", ["w[1]", "w*", "w?", "w\\1"])
def test_a_work_folder_that_tfx_reads_as_a_pattern_is_refused_before_the_ledger_exists(
    tmp_path, batch_folder, name
):
    batch_folder("monday")
    before = sorted(tmp_path.rglob("*"))
    for mode in ("--once", "--watch"):
        result = CliRunner().invoke(
            verb.retrain,
            [mode, "--inbox", str(tmp_path / "inbox"), "--work-dir", str(tmp_path / name)],
        )
        assert isinstance(result.exception, SettingsError), result
        assert f"work_dir: {tmp_path / name} contains {name[1]}, which" in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before
