"""Only a local run's lock shows whether it is running."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.retraining.local_target import LocalTarget, RunFiles

RUN = """
import sys
from customer_age.pipeline.retraining.local_target import RunFiles
with RunFiles(sys.argv[1], "run-1").held() as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def test_a_run_is_running_while_its_process_lives(tmp_path):
    target = LocalTarget(str(tmp_path))
    assert target.state("run-1") is RunState.UNKNOWN
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout.readline() == b"True\n"
        assert target.state("run-1") is RunState.RUNNING
        assert target.state("run-2") is RunState.UNKNOWN
        run.kill()
    assert target.state("run-1") is RunState.UNKNOWN, "it must be started again"
    RunFiles(str(tmp_path), "run-1").write_outcome(0, "Published.")
    assert target.state("run-1") is RunState.PUBLISHED


def test_a_work_folder_without_locks_is_an_error(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(SettingsError, match=r"^work_dir: .*/retraining/runs is on a file system"):
        LocalTarget(str(tmp_path)).state("run-1")
