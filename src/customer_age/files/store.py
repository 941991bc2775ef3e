"""Single files and whole folders by path or address, on this machine or in an object store.

Beam, and TFX's fileio with TensorFlow, are imported where a function needs them: for a local file
most need neither.
"""

import os
import shutil
import tempfile
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .addresses import is_remote

_COPIED_AT_ONCE = 2**20
"""Bytes."""


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


def copy(path: str, target: str) -> None:
    """Copy a file as it is: a second name on one disk, else its bytes."""
    if not is_remote(path) and not is_remote(target):
        Path(target).unlink(missing_ok=True)
        try:
            # Nothing ever changes a shard, so two names for it are as good as two copies.
            os.link(path, target)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(path, target)
        return
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    with (
        FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as source,
        create(target) as file,
    ):
        shutil.copyfileobj(source, file, _COPIED_AT_ONCE)


def files(folder: str) -> list[str]:
    """The paths of all files below a folder, in order; none where it is not there."""
    if not is_remote(folder):
        return sorted(str(file) for file in Path(folder).rglob("*") if file.is_file())
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        (found,) = FileSystems.match([f"{folder.rstrip('/')}/**"])
    except BeamIOError:
        return []
    return sorted(file.path for file in found.metadata_list)


def remove_file(path: str) -> None:
    """Delete a file, if it is there."""
    if not is_remote(path):
        Path(path).unlink(missing_ok=True)
        return
    from apache_beam.io.filesystems import FileSystems

    if FileSystems.exists(path):
        FileSystems.delete([path])


def remove(folder: str) -> None:
    """Delete a folder and all below it, if it is there."""
    if not is_remote(folder):
        if Path(folder).is_dir():
            shutil.rmtree(folder)
    elif found := files(folder):
        from apache_beam.io.filesystems import FileSystems

        FileSystems.delete(found)


def create(path: str) -> Any:
    """Open a file for writing, as it is, wherever Beam can."""
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def read(path: str) -> bytes:
    """Read a whole file, as it is, from wherever Beam can.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    if path.startswith("s3://"):
        from . import s3_objects  # needs boto3

        return s3_objects.read(path)
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except Exception as error:
        if getattr(error, "code", None) == HTTPStatus.NOT_FOUND:  # Cloud Storage's client's own
            raise FileNotFoundError(path) from error
        raise


def write(path: str, content: bytes) -> None:
    """Write a whole file; it gets its name when it is complete."""
    from apache_beam.io.filesystems import FileSystems

    unfinished = f"{path}.{uuid.uuid4().hex}"
    with create(unfinished) as file:
        file.write(content)
    FileSystems.rename([unfinished], [path])


def make_folder(path: str) -> None:
    """Make a folder, where the file system has folders, unless it is there."""
    from apache_beam.io.filesystems import FileSystems

    try:
        FileSystems.mkdirs(path)
    except OSError:
        if not FileSystems.exists(path):  # Else it was there, or another worker was faster.
            raise
