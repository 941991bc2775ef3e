import errno
import sqlite3
from pathlib import Path

import pytest

from customer_age.errors import DataRefused
from customer_age.pipeline.running import failures
from customer_age.pipeline.running.interruption import Terminated

LOG = Path("logs/a.log")


def _chained(cause):
    try:
        try:
            raise cause
        except Exception as error:
            raise RuntimeError("a library's wrapping") from error
    except RuntimeError as error:
        return error


def test_our_own_error_keeps_its_message_and_exit_code_at_any_depth():
    explained = failures.explained(_chained(DataRefused("too dark")), "DataGate", LOG)
    assert str(explained) == "too dark"
    assert explained.exit_code == 4


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("OSError: [Errno 28] No space left on device [while running 'Write']"),
    ],
)
def test_a_full_disk_is_reported_as_one(error):
    explained = failures.explained(_chained(error), "Trainer", LOG)
    assert str(explained).startswith("Trainer: no space left on the disk")
    assert explained.exit_code == 1


def test_a_full_disk_names_the_file_if_it_is_known():
    error = OSError(errno.ENOSPC, "No space left on device", "work/report.html")
    explained = str(failures.explained(error, None, LOG))
    assert explained.startswith("the run: no space left on the disk for work/report.html; free")


def test_a_library_s_error_is_one_line_and_names_the_log():
    explained = failures.explained(ValueError("first\nsecond " + "x" * 400), "Evaluator", LOG)
    assert str(explained).startswith("Evaluator failed: ValueError: first second xxx")
    assert str(explained).endswith("... (details: logs/a.log)")
    assert "\n" not in str(explained)


def test_a_library_that_exits_is_a_failure():
    explained = failures.explained(SystemExit(2), "PhotoExampleGen", LOG)
    assert str(explained) == "PhotoExampleGen failed: SystemExit: 2 (details: logs/a.log)"
    assert explained.exit_code == 1


@pytest.mark.parametrize(
    ("signal", "line", "exit_code"),
    [
        (KeyboardInterrupt(), "interrupted by Ctrl-C in Trainer. Finished work is kept", 130),
        (Terminated(), "interrupted by SIGTERM in Trainer. Finished work is kept", 143),
    ],
)
def test_an_interruption_is_not_a_failure(signal, line, exit_code):
    explained = failures.explained(signal, "Trainer", LOG)
    assert str(explained).startswith(line)
    assert explained.exit_code == exit_code
    assert "failed" not in str(explained)
