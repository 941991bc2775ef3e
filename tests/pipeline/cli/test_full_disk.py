"""Commands on a full disk, and again when there is space: a small disk in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"

AS_ROOT = ("unshare", "--map-root-user", "--mount")
"""Runs in its own namespace, where any user may mount."""

TWICE = """
folder=$1 filling=$2; shift 2
mount -t tmpfs -o size=10m none "$folder"
cp -r "$folder-before/." "$folder"
dd if=/dev/zero of="$folder/filling" bs=1k 2> /dev/null
[ "$filling" = 0 ] || truncate -s "-${filling}k" "$folder/filling"
"$@"; echo "exit code $?"
rm "$folder/filling"
"$@"; echo "exit code $?"
find "$folder" -name '*unfinished*'
"""
"""Runs a command with this many kilobytes free, and again with ten megabytes."""


@pytest.fixture
def twice(tmp_path):
    """Return the output and exit code of a command on a full disk, and again with space."""
    if subprocess.run([*AS_ROOT, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "disk-before").mkdir()

    def run(left, *arguments):
        command = [CUSTOMER_AGE, *arguments]
        ended = subprocess.run(
            [*AS_ROOT, "sh", "-c", TWICE, "sh", *map(str, (disk, left, *command))],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        full, again, left_over = ended.stdout.split("exit code ")
        assert left_over.partition("\n")[2] == "", "no incomplete file remains"
        return (full, int(again[0])), (again.partition("\n")[2], int(left_over[0]))

    return run


def test_demo_data(twice, tmp_path):
    folder = tmp_path / "disk" / "faces"
    (output, code), (_, then) = twice(20, "demo-data", folder, "--photos", 20)
    assert (code, then) == (1, 0)
    assert output == (
        f"customer-age: cannot write demo photos for {folder}: No space left on device\n"
    )


def test_the_ledger(twice, tmp_path, batch_folder):
    batch_folder("monday")
    places = ("--inbox", tmp_path / "inbox", "--work-dir", tmp_path / "disk" / "work")
    (output, code), (again, then) = twice(40, "retrain", "--once", *places)
    assert (code, then) == (1, 0)
    assert output == (
        "customer-age: the ledger (retraining.ledger) cannot be written: no space left on its "
        "disk; free some space, and the next check continues where this one stopped\n"
    )
    assert "batch monday: 3 new photos" in again


def test_a_tombstone(twice, tmp_path, batch_folder):
    batch_folder("monday")
    before = tmp_path / "disk-before"
    (tmp_path / "inbox").rename(before / "inbox")
    (before / "work").mkdir()
    (before / "work" / ".lock").write_text("1")  # has space for another number
    (before / "work" / "person.key").write_text("0123456789abcdef" * 4)
    inbox, work = tmp_path / "disk" / "inbox", tmp_path / "disk" / "work"
    (output, code), (again, then) = twice(0, "forget", "1000", "--inbox", inbox, "--work-dir", work)
    assert (code, then) == (1, 0)
    assert output.startswith(f"customer-age: no space left on the disk for {inbox}/_forgotten/")
    assert output.endswith("; free some, then run this again. Incomplete files are never used\n")
    assert output.count("\n") == 1
    assert "erased: 1 photos" in again
    assert "certificate: card" in again


def test_the_standard_output(tmp_path):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [CUSTOMER_AGE, "models", "list", "--work-dir", tmp_path],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (
        1,
        "customer-age: no space left on the disk; free some, then run this again. "
        "Incomplete files are never used\n",
    )


def test_the_lock_of_the_work_folder(twice, tmp_path):
    before = tmp_path / "disk-before"
    (before / "work").mkdir()
    (before / "work" / ".lock").touch()
    (before / "work" / "person.key").write_text("0123456789abcdef" * 4)
    (tmp_path / "inbox").mkdir()
    work = tmp_path / "disk" / "work"
    places = ("--inbox", tmp_path / "inbox", "--work-dir", work)
    (output, code), (_, then) = twice(0, "forget", "4001", *places)
    assert (code, then) == (2, 5)
    assert output == (
        f"customer-age: work_dir: {work} is not writable (No space left on device); choose "
        "another folder with --work-dir\n"
    )
