"""Write examples as TFRecord files that TFX, TFDV, TFMA and tf.data read as they do TFX's own."""

import contextlib
import gzip
import os
import shutil
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

# Beam's own framing of a record. It is private, but the public transform around it compresses
# at level 6: JPEGs do not get smaller by it, and it takes longer than all the rest.
from apache_beam.io.tfrecordio import _TFRecordUtil

join = FileSystems.join

UNFINISHED = "unfinished"
"""Beside the splits' folders: where shards grow until they are complete."""

_COPIED_AT_ONCE = 2**20


class ShardWriter:
    """Writes the examples of one shard, a file for each split that it has any of.

    A file gets its name when it is complete; written again, it replaces itself.
    """

    def __init__(self, examples_uri: str, shard: int, shard_count: int) -> None:
        self._uri = examples_uri
        self._name = name_of(shard, shard_count)
        self._files: dict[str, Any] = {}
        self._paths: dict[str, str] = {}
        self._stack = contextlib.ExitStack()

    def write(self, split: str, record: bytes) -> None:
        """Append a serialized example to the split's file."""
        if split not in self._files:
            self._files[split] = self._open(split)
        _TFRecordUtil.write_record(self._files[split], record)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        self._stack.close()
        if error_type is None:
            for split, path in self._paths.items():
                FileSystems.rename([path], [join(self._uri, folder_of(split), self._name)])

    def _open(self, split: str) -> Any:
        folder = join(self._uri, UNFINISHED)
        make_folder(folder)
        make_folder(join(self._uri, folder_of(split)))
        path = join(folder, f"{split}-{self._name}-{uuid.uuid4().hex}")
        plain = self._stack.enter_context(create(path))
        self._paths[split] = path
        # Level 0 stores the bytes as they are, inside what every reader of gzip takes; without
        # a time in it, the same photos give the same bytes.
        return self._stack.enter_context(
            gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=plain, mtime=0)
        )


def name_of(shard: int, shard_count: int) -> str:
    """The file name of a shard, in each split's folder."""
    return f"data_tfrecord-{shard:05d}-of-{shard_count:05d}.gz"


def folder_of(split: str) -> str:
    """The folder of a split, below the examples."""
    return f"Split-{split}"


def records(path: str) -> Iterator[bytes]:
    """Read the records of a shard, serialized as they are."""
    with (
        FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as plain,
        gzip.GzipFile(fileobj=plain) as file,
    ):
        while (record := _TFRecordUtil.read_record(file)) is not None:
            yield record


def copy(path: str, target: str) -> None:
    """Copy a file as it is: a second name on one disk, else its bytes."""
    if "://" not in path and "://" not in target:
        Path(target).unlink(missing_ok=True)
        try:
            # Nothing ever changes a shard, so two names for it are as good as two copies.
            os.link(path, target)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(path, target)
        return
    with (
        FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as source,
        create(target) as file,
    ):
        shutil.copyfileobj(source, file, _COPIED_AT_ONCE)


def files(folder: str) -> list[str]:
    """The paths of all files below a folder, in order; none where it is not there."""
    if "://" not in folder:
        return sorted(str(file) for file in Path(folder).rglob("*") if file.is_file())
    try:
        (found,) = FileSystems.match([f"{folder.rstrip('/')}/**"])
    except BeamIOError:
        return []
    return sorted(file.path for file in found.metadata_list)


def remove_file(path: str) -> None:
    """Delete a file, if it is there."""
    if "://" not in path:
        Path(path).unlink(missing_ok=True)
    elif FileSystems.exists(path):
        FileSystems.delete([path])


def remove(folder: str) -> None:
    """Delete a folder and all below it, if it is there."""
    if "://" not in folder:
        if Path(folder).is_dir():
            shutil.rmtree(folder)
    elif found := files(folder):
        FileSystems.delete(found)


def create(path: str) -> Any:
    """Open a file for writing, as it is, wherever Beam can."""
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)


def read(path: str) -> bytes:
    """Read a whole file, as it is, from wherever Beam can.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    if path.startswith("s3://"):
        from customer_age.files import s3_objects  # needs boto3

        return s3_objects.read(path)
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except Exception as error:
        if getattr(error, "code", None) == HTTPStatus.NOT_FOUND:  # Cloud Storage's client's own
            raise FileNotFoundError(path) from error
        raise


def write(path: str, content: bytes) -> None:
    """Write a whole file; it gets its name when it is complete."""
    unfinished = f"{path}.{uuid.uuid4().hex}"
    with create(unfinished) as file:
        file.write(content)
    FileSystems.rename([unfinished], [path])


def make_folder(path: str) -> None:
    """Make a folder, where the file system has folders, unless it is there."""
    try:
        FileSystems.mkdirs(path)
    except OSError:
        if not FileSystems.exists(path):  # Else it was there, or another worker was faster.
            raise


def remove_unfinished(examples_uri: str) -> None:
    """Delete what stopped or repeated attempts left behind."""
    folder = join(examples_uri, UNFINISHED)
    if FileSystems.exists(folder):
        FileSystems.delete([folder])
