"""Locks between processes: see `customer_age.files.locks`."""

import errno
import fcntl
import math
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from customer_age.errors import SettingsError
from customer_age.files import locks

HOLD = """
import sys
from pathlib import Path
from customer_age.files import locks
with locks.held(Path(sys.argv[1]), "work_dir") as alone:
    print("held" if alone else "not held", flush=True)
    sys.stdin.read()
"""

HOLD_AND_FORK = """
import os, signal, sys
from pathlib import Path
from customer_age.files import locks
with locks.held(Path(sys.argv[1]), "work_dir"):
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.close(1)
    signal.pause()
"""

HOLD_AS_0_1_DID = """
import fcntl, sys
with open(sys.argv[1], "a+") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("not held", flush=True)
    else:
        print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock_file(tmp_path):
    return tmp_path / ".lock"


@pytest.fixture
def process():
    """Starts a program; returns it after it has printed whether it holds the lock."""
    started = []

    def start(program, *arguments):
        each = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(each)
        each.said = each.stdout.readline().strip()
        return each

    yield start
    for each in started:
        each.kill()
        each.communicate()


@pytest.mark.parametrize("program", [HOLD, HOLD_AS_0_1_DID], ids=["new", "0.1"])
def test_one_process_at_a_time_of_this_release_and_of_0_1(process, lock_file, program):
    holder = process(program, lock_file)
    assert holder.said == "held"
    with locks.held(lock_file, "work_dir") as alone:
        assert not alone
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.held(lock_file, "work_dir") as alone:
        assert alone
        assert process(program, lock_file).said == "not held"
    assert process(program, lock_file).said == "held"


def test_the_lock_files_content_stays(process, lock_file):
    lock_file.write_text("4711")
    assert process(HOLD, lock_file).said == "held"
    with locks.held(lock_file, "work_dir") as alone:
        assert not alone
    assert lock_file.read_text() == "4711"


def test_a_forked_process_does_not_hold_the_lock(process, lock_file):
    """Otherwise a worker that lives longer than its run would block the next run."""
    holder = process(HOLD_AND_FORK, lock_file)
    forked = int(holder.said)
    try:
        with locks.held(lock_file, "work_dir") as alone:
            assert not alone
        holder.kill()
        holder.wait()
        with locks.held(lock_file, "work_dir") as alone:
            assert alone
    finally:
        os.kill(forked, signal.SIGKILL)


@pytest.mark.parametrize("patience", [120, math.inf])
def test_patience_waits_for_the_holder(process, lock_file, patience):
    holder = process(HOLD, lock_file)
    before = time.monotonic()
    threading.Timer(0.5, holder.kill).start()
    with locks.held(lock_file, "work_dir", patience) as alone:
        assert alone
    assert 0.4 < time.monotonic() - before < 60


def test_an_error_releases_the_lock(lock_file):
    with pytest.raises(ZeroDivisionError), locks.held(lock_file, "work_dir"):
        raise ZeroDivisionError
    with locks.held(lock_file, "work_dir") as alone:
        assert alone


@pytest.mark.parametrize("answer", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_a_file_system_without_locks_is_one_line(lock_file, monkeypatch, answer):
    def flock(*_):
        raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(
            SettingsError, match="^work_dir: .* without locks .*: name a folder"
        ) as raised,
        locks.held(lock_file, "work_dir"),
    ):
        pytest.fail("went on without a lock")
    assert str(lock_file.parent) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path):
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(SettingsError, match=r"^work_dir: .*lock cannot be locked \(Is a directory"),
        locks.held(tmp_path / "lock", "work_dir"),
    ):
        pytest.fail("held a folder")
