"""A folder on this machine's disk, wherever its original lies."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def on_disk(folder: str) -> Iterator[Path]:
    """Give the folder itself, or a copy of it for a while where it lies in a bucket.

    Args:
        folder: a local path, or a URI that TFX's fileio knows.

    Raises:
        OSError: it cannot be read, or not be written here.
    """
    if Path(folder).is_dir():
        yield Path(folder)
        return
    from tfx.utils import io_utils

    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy"
        io_utils.copy_dir(folder, str(copy))
        yield copy
