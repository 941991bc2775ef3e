"""Reading and writing small files, on this machine or in an object store."""

import os
import tempfile
from pathlib import Path


def is_remote(uri: str) -> bool:
    """Tell whether a URI names an object store, such as `gs://bucket/key`."""
    return "://" in uri


def exists(uri: str) -> bool:
    """Tell whether there is such a file or folder."""
    if is_remote(uri):
        # Imported here because it brings TensorFlow: a report on a local run needs none of it.
        from tfx.dsl.io import fileio

        return bool(fileio.exists(uri))
    return Path(uri).exists()


def read_bytes(uri: str) -> bytes | None:
    """Read a whole file.

    Args:
        uri: a local path, or a URI of a scheme that TFX's fileio knows.

    Returns:
        The contents, or None where there is no such file.

    Raises:
        OSError: the file is there, but cannot be read.
    """
    if is_remote(uri):
        from tfx.dsl.io import fileio

        if not fileio.exists(uri):
            return None
        with fileio.open(uri, "rb") as file:
            return bytes(file.read())
    try:
        return Path(uri).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_atomically(uri: str, text: str) -> None:
    """Write a text file so that it is seen whole or not at all.

    Args:
        uri: a local path, whose folder is made where it is missing, or a URI of a scheme that
            TFX's fileio knows. An object store shows an object only when it was sent whole.
        text: is written as UTF-8.

    Raises:
        OSError: the file cannot be written. What stood there before is untouched.
    """
    if is_remote(uri):
        from tfx.dsl.io import fileio

        with fileio.open(uri, "w") as file:
            file.write(text)
        return
    path = Path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(0o644)  # mkstemp gives the owner alone the right to read
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
