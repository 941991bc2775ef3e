import contextlib
import errno
import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.running import local
from customer_age.pipeline.running.work_folder import WorkFolder
from customer_age.pipeline.settings.settings import Settings

HOLD = """
import sys
from customer_age.pipeline.running.work_folder import WorkFolder
folder = WorkFolder(sys.argv[1])
with folder.held():
    print("held", flush=True)
    sys.stdin.read()
"""

USE = """
import subprocess, sys, tempfile
from pathlib import Path
from customer_age.pipeline.running.work_folder import WorkFolder
folder = WorkFolder(sys.argv[1])
with folder.held(), folder.temporary_files():
    Path(tempfile.mkdtemp(), "photo.jpg").write_bytes(b"a photo")
    write = "import tempfile; tempfile.mkdtemp()"
    subprocess.run([sys.executable, "-c", write], check=True)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The empty folder for temporary files."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return path


@pytest.fixture
def used_by(folder, temporary):
    """Start a process that uses the folder like a run, and leaves temporary files."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    [own] = temporary.iterdir()
    assert len(list(own.iterdir())) == 2, "also those of a child"
    assert own.stat().st_mode & 0o077 == 0
    yield process
    process.kill()
    process.communicate()


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


def test_a_second_run_names_the_process_that_uses_the_folder(folder, holder):
    with (
        pytest.raises(RunError, match=f"another run .process {holder.pid}. is using"),
        folder.held(),
    ):
        pytest.fail("held twice")


def test_a_killed_run_releases_the_lock(folder, holder):
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
    with pytest.raises(SettingsError, match="work_dir: .*is not writable .Not a directory."):
        WorkFolder(str(tmp_path / "file" / "work")).prepare()


def test_prepare_creates_only_folders(folder):
    assert sorted(path.name for path in folder.path.iterdir()) == ["logs", "pipeline", "reports"]


def test_temporary_files_are_deleted_after_the_run(folder, temporary, used_by):
    used_by.communicate("")
    assert used_by.returncode == 0
    assert list(temporary.iterdir()) == []
    assert not (folder.path / ".temporary").exists()


def test_temporary_files_of_a_killed_run_are_deleted_by_the_next(folder, temporary, used_by):
    (temporary / "of somebody else").touch()
    used_by.kill()
    used_by.wait()
    assert len(list(temporary.rglob("photo.jpg"))) == 1
    with folder.held(), folder.temporary_files():
        assert list(temporary.rglob("photo.jpg")) == []
        assert Path(tempfile.gettempdir()).parent == temporary
    assert [each.name for each in temporary.iterdir()] == ["of somebody else"]
    assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(temporary)


def test_a_folder_that_cannot_be_deleted_is_tried_again(
    folder, temporary, used_by, monkeypatch, caplog
):
    used_by.kill()
    used_by.wait()

    def fail(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", fail)
        with folder.held(), folder.temporary_files():
            pass
    levels = {each.levelno for each in caplog.records}
    assert levels == {logging.WARNING}
    assert "Permission denied" in caplog.text
    with folder.held(), folder.temporary_files():
        pass
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", ["customer-age-photos", "photos"])
def test_a_folder_of_another_name_is_not_deleted(folder, temporary, name):
    mine = temporary / name
    mine.mkdir()
    (folder.path / ".temporary").write_text(f"{mine}\n\n")
    with folder.held(), folder.temporary_files():
        pass
    assert mine.is_dir()


def test_unfinished_reports_of_killed_runs_are_deleted_after_a_day(folder, temporary):
    old, new, other = (
        folder.reports / name
        for name in (".a.html.01.unfinished", ".b.html.02.unfinished", "c.html")
    )
    for file in (old, new, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (time.time() - 25 * 3600,) * 2)
    with folder.held(), folder.temporary_files():
        assert sorted(folder.reports.iterdir()) == sorted([new, other])


def test_without_a_folder_for_temporary_files_no_run_starts(folder, temporary):
    tempfile.gettempdir()
    temporary.rmdir()
    with (
        pytest.raises(SettingsError, match="the folder for temporary files cannot be created"),
        folder.held(),
        folder.temporary_files(),
    ):
        pytest.fail("went on")


@pytest.mark.parametrize("name", ["w[1]", "w*", "w?", "w\\1"])
def test_a_path_that_tfx_reads_as_a_pattern_is_refused_before_anything_is_created(tmp_path, name):
    settings = Settings(work_dir=str(tmp_path / name / "inner"))
    with pytest.raises(SettingsError, match="reads as a file pattern"):
        local.run(settings)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["w 1", "w{1,3}", "w]1", "w^!-%#"])
def test_a_path_with_other_characters_is_accepted(tmp_path, name):
    WorkFolder(str(tmp_path / name)).require_literal_path()


def test_two_runs_at_the_same_clock_time_have_different_names(folder):
    """A clock that is set back in autumn shows the same time an hour later."""
    folder.prepare()
    assert folder.free_name("2026-10-25T02-30-00") == "2026-10-25T02-30-00"
    (folder.logs / "2026-10-25T02-30-00.log").touch()
    assert folder.free_name("2026-10-25T02-30-00") == "2026-10-25T02-30-00-2"
    (folder.reports / "2026-10-25T02-30-00-2.html").touch()
    assert folder.free_name("2026-10-25T02-30-00") == "2026-10-25T02-30-00-3"


def test_a_checkpoint_stays_after_a_failure_and_is_deleted_after_success(folder):
    kept = folder.path / "checkpoint" / "checkpoint.npz"
    with contextlib.suppress(RunError), folder.training_kept():
        assert os.environ["CUSTOMER_AGE_CHECKPOINT_FOLDER"] == str(kept.parent)
        (kept.parent / "logs").mkdir(parents=True)
        kept.write_bytes(b"epoch 3")
        raise RunError("out of memory")
    assert "CUSTOMER_AGE_CHECKPOINT_FOLDER" not in os.environ
    assert kept.exists()
    with folder.training_kept():
        pass
    assert not kept.parent.exists()


def test_a_checkpoint_that_no_run_resumes_is_deleted_after_30_days(folder, temporary):
    kept = folder.path / "checkpoint" / "checkpoint.npz"
    kept.parent.mkdir()
    for days, stays in ((29, True), (31, False)):
        kept.write_bytes(b"epoch 3")
        os.utime(kept, (time.time() - days * 24 * 3600,) * 2)
        folder.clear_away()
        assert kept.exists() == stays
