"""`customer-age retrain`, as a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def test_a_look_leaves_what_status_shows(places, batch_folder):
    batch_folder("monday")
    code, printed = retrain("--once", *places)
    assert code == 0
    assert printed.startswith("batch monday: 3 new photos\nno run: 3 new photos in 1 batch are not")
    assert retrain("--status", *places) == (0, "batch monday: waiting, 3 photos\n")


def test_looks_go_on_until_ctrl_c(places, batch_folder):
    watching = retrain("--watch", "--every", "0.1", *places, wait=False)
    try:
        assert watching.stdout.readline() == "no run: no new photos\n"
        batch_folder("monday")
        deadline = time.monotonic() + 60
        while "monday" not in (line := watching.stdout.readline()):
            assert time.monotonic() < deadline, line
    finally:
        watching.terminate()
        watching.communicate()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "choose one of --once, --watch, --status and --retry"),
        (("--once",), "data.inbox: no inbox given"),
        (("--once", "--inbox", "/there/is/none"), "data.inbox: /there/is/none: there is no such"),
        (("--once", "--target", "nowhere"), "'nowhere' is not one of"),
        (("--once", "--host", "http://host"), "--host is for --target kubeflow"),
        (("--once", "--set", "retraining.tries=0"), "retraining.tries: "),
        (("--once", "--set", "notify.url=nonsense"), "notify.url: "),
    ],
)
def test_wrong_usage_is_told(tmp_path, arguments, says):
    code, printed = retrain(*arguments, "--work-dir", tmp_path / "work")
    assert code == 2
    assert says in printed
    assert "Traceback" not in printed


def test_no_base_set_leaves_nothing_behind(places, batch_folder):
    batch_folder("monday")
    code, printed = retrain("--once", *places, "--set", "retraining.min_photos=1")
    assert code == 2
    assert "data.path: no data set given" in printed
    assert retrain("--status", *places) == (0, "batch monday: waiting, 3 photos\n")
