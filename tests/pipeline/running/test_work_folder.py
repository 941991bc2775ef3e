import errno
import fcntl
import os
import subprocess
import sys

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.running.work_folder import WorkFolder

HOLD = """
import sys
from customer_age.pipeline.running.work_folder import WorkFolder
folder = WorkFolder(sys.argv[1])
with folder.held():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    folder = WorkFolder(str(tmp_path / "work"))
    folder.prepare()
    return folder


@pytest.fixture
def holder(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_who_holds_the_folder(folder, holder):
    with (
        pytest.raises(RunError, match=f"another run .process {holder.pid}. is using"),
        folder.held(),
    ):
        pytest.fail("held twice")


def test_a_killed_run_holds_nothing(folder, holder):
    holder.kill()
    holder.wait()
    with folder.held():
        assert (folder.path / ".lock").read_text() == str(os.getpid())


def test_a_run_that_ended_leaves_no_process_behind(folder):
    with folder.held():
        pass
    assert (folder.path / ".lock").read_text() == ""


def test_a_folder_without_locks_is_not_used(folder, monkeypatch):
    def flock(*_):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(SettingsError, match=f"^work_dir: {folder.path} is on a file system without"),
        folder.held(),
    ):
        pytest.fail("went on without a lock")


def test_a_folder_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="work_dir: .*cannot be written .Not a directory."):
        WorkFolder(str(tmp_path / "file" / "work")).prepare()


def test_preparing_leaves_nothing_but_folders(folder):
    assert sorted(path.name for path in folder.path.iterdir()) == ["logs", "pipeline", "reports"]
