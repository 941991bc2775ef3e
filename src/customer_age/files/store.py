"""Read and write files by path or address, on this machine or in an object store.

Addresses are `s3://bucket/key` and `gs://bucket/key`, `file:///folder`, or plain paths; names in
them are literal. Writes are atomic: a reader sees the whole file or no change. After 429, 5xx and
cut connections a request is repeated for at most a minute. Each failure is an OSError of one line;
if there is no client for an address, it is a `DataUnavailable`. docs/files.md describes how to
reach a store.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from . import local_files
from .addresses import DataUnavailable, is_remote, join, local_path, options, plain
from .entries import Bucket, Entry, StoreError, misnamed
from .file_names import LONGEST_IN_STORE, wrong_as_key, wrong_with

if TYPE_CHECKING:
    from .google_bucket import GoogleBucket

EXTRAS = {"gs": "gcs", "s3": "s3"}
"""The scheme of an address to the extra of this package that installs its client."""

_IN_MEMORY = 16 * 2**20
"""Bytes of an open object; a larger one is kept in the temporary folder while it is open."""

_COPIED_AT_ONCE = 2**20
"""Bytes."""

_lock = threading.Lock()
_buckets: dict[tuple[object, ...], Bucket] = {}
"""The clients of this process, one for each bucket and environment."""


def list(address: str, *, deep: bool = True) -> Iterator[Entry]:
    """List a folder; nothing if it does not exist. Objects that represent folders are left out.

    Args:
        address: of the folder.
        deep: whether to list the files in sub-folders, named relative to the folder; else the
            sub-folders are listed as entries.

    Raises:
        OSError: it cannot be listed, or a store lists a key outside the folder.
    """
    if not is_remote(address):
        return local_files.entries(local_path(address), deep)
    bucket, key = _bucket(address)
    return _inside(bucket.entries(f"{key}/" if key else "", deep), address)


def read(address: str) -> bytes:
    """Read a whole file.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be read.
    """
    if not is_remote(address):
        return Path(local_path(address)).read_bytes()
    bucket, key = _bucket(address)
    return bucket.read(key)


def open(address: str) -> BinaryIO:
    """Open a file for reading as bytes; the file is seekable.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be read.
    """
    if not is_remote(address):
        return Path(local_path(address)).open("rb")
    bucket, key = _bucket(address)
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
    try:
        bucket.fetch(key, file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def write_whole(address: str, content: bytes | Path, *, new: bool = False) -> None:
    """Write a file and replace an old one; a reader sees the old content or the new content.

    Args:
        address: of the file; missing folders are created.
        content: the bytes, or the path of a file on this machine that holds them.
        new: whether to fail if the file exists, instead of replacing it.

    Raises:
        FileExistsError: the file exists, and `new` is set.
        OSError: it cannot be written. An old file stays unchanged.
    """
    if is_remote(address):
        bucket, key = _bucket(address)
        bucket.put(key, content, new)
        return
    with local_files.writing(local_path(address), new) as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            with content.open("rb") as source:
                _pour(source, file)


@contextlib.contextmanager
def writing(address: str, scratch: str = "") -> Iterator[BinaryIO]:
    """Write a file in steps: it gets its name when the block ends.

    Args:
        address: of the file.
        scratch: the folder for the unfinished file, on the same disk; by default its own folder,
            under a hidden name. Set it if a program reads hidden files of that folder: it would
            read the leftovers of a killed writer.

    Raises:
        OSError: it cannot be written. An old file stays unchanged.
    """
    if not is_remote(address):
        with local_files.writing(local_path(address), False, local_path(scratch)) as file:
            yield file
        return
    with tempfile.NamedTemporaryFile() as file:
        yield cast(BinaryIO, file)
        file.flush()
        write_whole(address, Path(file.name))


def copy(address: str, target: str) -> None:
    """Copy a file; on one disk by a hard link, because no code changes a file in place.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be copied. An old file at the target stays unchanged.
    """
    if not is_remote(address) and not is_remote(target):
        local_files.copy(local_path(address), local_path(target))
        return
    if is_remote(address) and is_remote(target):
        (bucket, key), (other, target_key) = _bucket(address), _bucket(target)
        if bucket is other:
            if key != target_key:
                bucket.copy(key, target_key)
            return
    _copy_bytes(address, target)


def copy_folder(address: str, target: str) -> int:
    """Copy the bytes of all files below a folder and replace old files; no copy is a hard link.

    Returns:
        The number of files; 0 if the folder does not exist.

    Raises:
        OSError: a file cannot be copied, or is outside the folder: then no file is copied.
    """
    entries = [*list(address)]
    for entry in entries:
        if wrong := "is a link out of its folder" if entry.outside else wrong_with(entry.name):
            raise misnamed(entry.name, wrong, plain(address))
    for entry in entries:
        _copy_bytes(join(address, entry.name), join(target, entry.name))
    return len(entries)


def write_note(address: str, note: str) -> None:
    """Write an empty object to Cloud Storage with a note that listings contain: `Entry.note`.

    Raises:
        OSError: it cannot be written, or the address is not in Cloud Storage.
    """
    bucket, key = _google_bucket(address)
    bucket.put_note(key, note)


def delete_stand_ins(address: str) -> int:
    """Delete the empty objects `folder/` below a folder in Cloud Storage; return their number.

    Raises:
        OSError: the store refuses, or the address is not in Cloud Storage.
    """
    bucket, key = _google_bucket(address)
    keys = bucket.stand_ins(f"{key}/")
    for stand_in in keys:
        bucket.delete(stand_in)
    return len(keys)


def delete(address: str, *, folder: bool = False) -> None:
    """Delete a file if it exists.

    Args:
        address: of the file.
        folder: whether it is a folder, which is deleted with everything in it.

    Raises:
        OSError: it cannot be deleted.
    """
    if not is_remote(address):
        act = local_files.delete_folder if folder else local_files.delete
        act(local_path(address))
        return
    bucket, key = _bucket(address)
    if not folder:
        bucket.delete(key)
        return
    if not key:
        raise StoreError("a whole bucket is not deleted", plain(address))
    for entry in [*bucket.entries(f"{key}/", True)]:
        bucket.delete(f"{key}/{entry.name}")


def exists(address: str) -> bool:
    """Return whether a file or folder exists.

    Raises:
        OSError: the store does not answer.
    """
    if not is_remote(address):
        return Path(local_path(address)).exists()
    bucket, key = _bucket(address)
    if key and bucket.exists(key):
        return True
    return next(bucket.entries(f"{key}/" if key else "", False), None) is not None


@contextlib.contextmanager
def local_copy(address: str) -> Iterator[Path]:
    """Yield the path of a folder or a file, or of a temporary copy if it is in a store.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be read, or the copy cannot be written.
    """
    if not is_remote(address):
        yield Path(local_path(address))
        return
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / "copy"
        if not copy_folder(address, str(copied)):
            copy(address, str(copied))
        yield copied


def _copy_bytes(address: str, target: str) -> None:
    if not is_remote(address):
        write_whole(target, Path(local_path(address)))
        return
    with open(address) as source, writing(target) as file:
        _pour(source, file)


def _pour(source: BinaryIO, file: BinaryIO) -> None:
    while content := source.read(_COPIED_AT_ONCE):
        file.write(content)


def _bucket(address: str) -> tuple[Bucket, str]:
    """Return the client of an address, and the key in its bucket without a slash at its end."""
    path = plain(address)
    scheme, _, rest = path.partition("://")
    name, _, key = rest.partition("/")
    key = key.rstrip("/")
    if scheme not in EXTRAS or not name:
        raise DataUnavailable(f"{address}: {scheme}:// is not supported; use s3:// or gs://")
    if key and (wrong := wrong_with(key, LONGEST_IN_STORE)):
        raise misnamed(key, wrong, f"{scheme}://{name}")
    settings = options(address)
    # A changed environment or a fork needs another client.
    known = (os.getpid(), scheme, name, *sorted(settings.items()), *_environment())
    with _lock:
        if known not in _buckets:
            if scheme == "s3":
                from .s3_bucket import S3Bucket as Opened
            else:
                from .google_bucket import GoogleBucket as Opened  # type: ignore[assignment]
            _buckets[known] = Opened(f"{scheme}://{name}", settings)
        return _buckets[known], key


def _inside(entries: Iterator[Entry], address: str) -> Iterator[Entry]:
    """Yield the entries of a store's listing, and raise an error at a name that is not valid.

    The key of such a name could only be guessed. It is not skipped either, because an erasure must
    not miss an object.
    """
    for entry in entries:
        if wrong := wrong_as_key(entry.name):
            raise misnamed(entry.name, wrong, plain(address))
        yield entry


def _google_bucket(address: str) -> "tuple[GoogleBucket, str]":
    bucket, key = _bucket(address)
    if not address.startswith("gs://"):
        raise StoreError("this works only in Cloud Storage", plain(address))
    return cast("GoogleBucket", bucket), key


def _environment() -> Iterator[tuple[str, str]]:
    """Yield the environment variables that set how stores are reached."""
    for name, value in sorted(os.environ.items()):
        if name.startswith(("AWS_", "GOOGLE_", "STORAGE_EMULATOR_HOST")):
            yield name, value
