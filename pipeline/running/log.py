"""Sends the output of libraries to the run's log file, or drops it, to keep the screen clear."""

import contextlib
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"

_NOTE = re.compile(rb"I\d{4} [\d:. ]+|WARNING: All log messages before absl::InitializeLog\(\)")
"""Lines that TensorFlow's native code writes while it is imported."""


@contextlib.contextmanager
def redirected(log_file: Path) -> Iterator[TextIO]:
    """Write logs, warnings, and all output of native code to a file.

    TensorFlow's C++ code writes to the file descriptors, not to Python's `sys.stderr`. So the
    descriptors themselves are redirected.

    Args:
        log_file: the file to append to.

    Yields:
        The original standard output, for example the terminal.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    screen = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding or "utf-8", errors="replace")
    log = log_file.open("a", encoding="utf-8")
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    level = root.level
    try:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        logging.captureWarnings(True)
        yield screen
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, original in zip((1, 2), saved, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        with contextlib.suppress(OSError):  # a full disk is reported elsewhere
            log.close()
        screen.close()


@contextlib.contextmanager
def kept_to_log_level() -> Iterator[None]:
    """Apply `TF_CPP_MIN_LOG_LEVEL` to TensorFlow while it is imported.

    TensorFlow 2.21 writes notes on the processor and on GPUs to the file descriptor, before it
    reads that variable. All other output appears at the end, also if the import fails.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") == "0":
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            written.seek(0)
            for line in written:
                if not _NOTE.match(line):
                    os.write(saved, line)
            os.close(saved)


def quiet_libraries() -> None:
    """Drop the start-up messages of libraries, also from the log; call before their import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core")
    logging.getLogger().addFilter(_is_not_start_up_note)
    # It reports in two lines that it uses a temporary folder if the home folder is read-only.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def _is_not_start_up_note(record: logging.LogRecord) -> bool:
    """Return False for Beam's message that one of its two checksum packages is missing."""
    return not (record.module == "tfrecordio" and "crcmod package not found" in record.getMessage())
