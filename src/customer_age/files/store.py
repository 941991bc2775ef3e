"""Files by path or address, on this machine or in an object store: the one way to each of them.

Addresses are `s3://bucket/key` and `gs://bucket/key`, `file:///folder`, or plain paths; names in
them are literal. What is written is seen whole or not at all. After 429, 5xx and cut connections a
store is asked again, for a minute at most. Whatever goes wrong is an OSError of one line; where an
address has no client here, it is a `DataAway`. How a store is reached, docs/files.md says.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from . import local_files
from .addresses import DataAway, is_remote, join, local_path, options, plain
from .entries import Bucket, Entry, StoreError, misnamed
from .file_names import LONGEST_IN_STORE, wrong_as_key, wrong_with

if TYPE_CHECKING:
    from .google_bucket import GoogleBucket

EXTRAS = {"gs": "gcs", "s3": "s3"}
"""Scheme of an address to the extra of this package that brings its client."""

_IN_MEMORY = 16 * 2**20
"""Bytes of an open object; what is larger lies in the temporary folder meanwhile."""

_COPIED_AT_ONCE = 2**20
"""Bytes."""

_lock = threading.Lock()
_buckets: dict[tuple[object, ...], Bucket] = {}
"""Clients of this process, each for a bucket as the environment had it reached."""


def list(address: str, *, deep: bool = True) -> Iterator[Entry]:
    """List a folder; nothing where it is not there. Stand-ins of stores for folders are left out.

    Args:
        address: of the folder.
        deep: whether what lies in its sub-folders is listed, each file by its name below the
            folder; else the sub-folders are named.

    Raises:
        OSError: it cannot be listed, or a store lists a key that does not lie in the folder.
    """
    if not is_remote(address):
        return local_files.entries(local_path(address), deep)
    bucket, key = _bucket(address)
    return _inside(bucket.entries(f"{key}/" if key else "", deep), address)


def read(address: str) -> bytes:
    """Read a whole file.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read.
    """
    if not is_remote(address):
        return Path(local_path(address)).read_bytes()
    bucket, key = _bucket(address)
    return bucket.read(key)


def open(address: str) -> BinaryIO:
    """Open a file for reading, its bytes as they are; it can be sought in.

    Raises:
        FileNotFoundError: there is none.
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
    """Write a file, over the one that is there; a reader sees the old one or the new one.

    Args:
        address: of the file; folders are made where they are missing.
        content: the bytes, or the path of a file of this machine that holds them.
        new: leave what is there.

    Raises:
        FileExistsError: there is one, and it was to be `new`.
        OSError: it cannot be written. What stood there before is untouched.
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
    """Write a file whose content grows: `write_whole` of what the block has written.

    Args:
        address: of the file.
        scratch: the folder in which it grows, on the same disk; else in its own, hidden. Whatever
            reads all files of that one, hidden or not, would read what a killed writer left.

    Raises:
        OSError: it cannot be written. What stood there before is untouched.
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
    """Copy a file as it is; on one disk it gets a second name, as nothing changes it in place.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be copied. What stood at the target is untouched.
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
    """Copy the bytes of all files below a folder, over what is there; the copies are new files.

    Returns:
        How many there are; 0 where there is no such folder.

    Raises:
        OSError: one cannot be copied, or does not lie in the folder: then nothing is copied.
    """
    entries = [*list(address)]
    for entry in entries:
        if wrong := "is a link out of its folder" if entry.outside else wrong_with(entry.name):
            raise misnamed(entry.name, wrong, plain(address))
    for entry in entries:
        _copy_bytes(join(address, entry.name), join(target, entry.name))
    return len(entries)


def write_note(address: str, note: str) -> None:
    """Write an empty object of Cloud Storage that listings tell a note of: `Entry.note`.

    Raises:
        OSError: it cannot be written; elsewhere there are no notes.
    """
    bucket, key = _google_bucket(address)
    bucket.put_note(key, note)


def delete_stand_ins(address: str) -> int:
    """Delete the empty objects `folder/` below a folder in Cloud Storage; say how many there were.

    Raises:
        OSError: the store refuses, or is another one.
    """
    bucket, key = _google_bucket(address)
    keys = bucket.stand_ins(f"{key}/")
    for stand_in in keys:
        bucket.delete(stand_in)
    return len(keys)


def delete(address: str, *, folder: bool = False) -> None:
    """Delete a file, if it is there.

    Args:
        address: of the file.
        folder: it is a folder: delete it with all that lies below it.

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
    """Tell whether there is such a file or folder.

    Raises:
        OSError: the store does not say.
    """
    if not is_remote(address):
        return Path(local_path(address)).exists()
    bucket, key = _bucket(address)
    if key and bucket.exists(key):
        return True
    return next(bucket.entries(f"{key}/" if key else "", False), None) is not None


@contextlib.contextmanager
def local_copy(address: str) -> Iterator[Path]:
    """Give a folder or a file itself, or a copy of it for a while where it lies in a store.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read, or not be written here.
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
    """The client of an address, and the key in its bucket, without a slash at its end."""
    path = plain(address)
    scheme, _, rest = path.partition("://")
    name, _, key = rest.partition("/")
    key = key.rstrip("/")
    if scheme not in EXTRAS or not name:
        raise DataAway(f"{address}: no file system for {scheme}://; there are s3:// and gs://")
    if key and (wrong := wrong_with(key, LONGEST_IN_STORE)):
        raise misnamed(key, wrong, f"{scheme}://{name}")
    settings = options(address)
    # A changed environment, as a fork, makes another client.
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
    """The entries of a store's listing, up to one that is not the name of a file.

    Nothing can be done with such a name but by guessing which key is meant, so nothing goes on as
    if it were not there: what is to be erased must not be passed over.
    """
    for entry in entries:
        if wrong := wrong_as_key(entry.name):
            raise misnamed(entry.name, wrong, plain(address))
        yield entry


def _google_bucket(address: str) -> "tuple[GoogleBucket, str]":
    bucket, key = _bucket(address)
    if not address.startswith("gs://"):
        raise StoreError("only Cloud Storage has this", plain(address))
    return cast("GoogleBucket", bucket), key


def _environment() -> Iterator[tuple[str, str]]:
    """What of the environment says how stores are reached."""
    for name, value in sorted(os.environ.items()):
        if name.startswith(("AWS_", "GOOGLE_", "STORAGE_EMULATOR_HOST")):
            yield name, value
