import contextlib
import gc
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from customer_age.pipeline.running import log

NOISY = """
import logging, os, pathlib, sys, warnings
from customer_age.pipeline.running import log

with log.redirected(pathlib.Path(sys.argv[1])) as screen:
    print("from Python")
    sys.stdout.flush()
    os.write(1, b"from native code\\n")
    os.write(2, b"an error from native code\\n")
    logging.getLogger("library").info("from a logger")
    warnings.warn("a warning")
    screen.write("for the person\\n")
print("after the run")
"""

NOTES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1795577841.493071      53 cudart_stub.cc:31] Could not find cuda drivers.\n"
)
WARNING = "W0000 00:00:1795577841.493071      53 cpu.cc:1] Something is amiss.\n"


def test_all_output_goes_to_the_file_and_the_screen_stays_ours(tmp_path):
    log_file = tmp_path / "run.log"
    done = subprocess.run(
        [sys.executable, "-c", NOISY, log_file], capture_output=True, text=True, check=True
    )
    assert done.stdout == "for the person\nafter the run\n"
    assert done.stderr == ""
    logged = log_file.read_text()
    for text in (
        "from Python",
        "from native code",
        "an error from native code",
        "I library: from a logger",
        "a warning",
    ):
        assert text in logged


def test_the_process_is_restored(tmp_path):
    root = logging.getLogger()
    gc.collect()  # it may close files of earlier tests
    before, files = (root.level, list(root.handlers)), open_files()
    with log.redirected(tmp_path / "run.log"):
        pass
    assert (root.level, list(root.handlers)) == before
    assert open_files() - files == set()


def open_files() -> set[tuple[str, str]]:
    """Return each descriptor of this process, and what it leads to."""
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was open for this list only
            found.add((file.name, str(file.readlink())))
    return found


def test_libraries_print_nothing_when_imported():
    program = (
        "from customer_age.pipeline.running import log\n"
        "log.quiet_libraries()\n"
        "import apache_beam.io.tfrecordio, google.cloud.storage\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def write_notes() -> None:
    os.write(2, (NOTES + WARNING).encode())  # as native code does


def test_start_up_notes_are_dropped_and_all_else_appears(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    with log.kept_to_log_level():
        write_notes()
    assert capfd.readouterr().err == WARNING
    with pytest.raises(ImportError), log.kept_to_log_level():
        write_notes()
        raise ImportError
    assert capfd.readouterr().err == WARNING
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_start_up_notes_are_printed_on_request(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with log.kept_to_log_level():
        write_notes()
    assert capfd.readouterr().err == NOTES + WARNING
