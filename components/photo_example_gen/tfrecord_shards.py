"""Writes examples as TFRecord files that TFX, TFDV, TFMA and tf.data can read."""

import contextlib
import gzip
from collections.abc import Iterator
from typing import Any

# Beam's own framing of a record. It is private, but the public transform around it compresses
# at level 6, which does not make JPEGs smaller and takes longer than everything else.
from apache_beam.io.tfrecordio import _TFRecordUtil

from customer_age.files import store
from customer_age.files.addresses import join

UNFINISHED = "unfinished"
"""The folder next to the splits' folders for shards that are not complete yet."""


class ShardWriter:
    """Writes the examples of one shard, one file for each split with examples.

    A file gets its final name when it is complete, and replaces a file with that name.
    """

    def __init__(self, examples_uri: str, shard: int, shard_count: int) -> None:
        self._uri = examples_uri
        self._name = name_of(shard, shard_count)
        self._files: dict[str, Any] = {}
        self._stack = contextlib.ExitStack()

    def write(self, split: str, record: bytes) -> None:
        """Append a serialized example to the split's file."""
        if split not in self._files:
            self._files[split] = self._open(split)
        _TFRecordUtil.write_record(self._files[split], record)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def _open(self, split: str) -> Any:
        path = join(self._uri, folder_of(split), self._name)
        plain = self._stack.enter_context(store.writing(path, join(self._uri, UNFINISHED)))
        # Level 0 stores the bytes uncompressed in a valid gzip file; without a time stamp, the
        # same photos give the same bytes.
        return self._stack.enter_context(
            gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=plain, mtime=0)
        )


def name_of(shard: int, shard_count: int) -> str:
    """Return the file name of a shard in each split's folder."""
    return f"data_tfrecord-{shard:05d}-of-{shard_count:05d}.gz"


def folder_of(split: str) -> str:
    """Return the name of a split's folder in an Examples artifact."""
    return f"Split-{split}"


def records(path: str) -> Iterator[bytes]:
    """Yield the serialized records of a shard."""
    with store.open(path) as plain, gzip.GzipFile(fileobj=plain, mode="rb") as file:
        while (record := _TFRecordUtil.read_record(file)) is not None:
            yield record


def remove_unfinished(examples_uri: str) -> None:
    """Delete the unfinished files of stopped or repeated attempts."""
    store.delete(join(examples_uri, UNFINISHED), folder=True)
