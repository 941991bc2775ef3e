"""What TensorFlow's native code writes while it is imported."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_NOTE = re.compile(rb"I\d{4} [\d:. ]+|WARNING: All log messages before absl::InitializeLog\(\)")


@contextlib.contextmanager
def kept_to_log_level() -> Iterator[None]:
    """Hold TensorFlow to `TF_CPP_MIN_LOG_LEVEL` while it is imported.

    TensorFlow 2.21 writes notes on the processor and on graphics cards past Python's standard
    error, before it reads that variable. Everything else that is written meanwhile appears at the
    end, whether the import fails or not.
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
