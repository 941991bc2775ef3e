"""What a listing says of a file, and what goes wrong with a store."""

import errno
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ParamSpec, Protocol, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

ATTEMPT = "attempt"
"""Metadata of an object that was to be new: tells who wrote it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a listed folder, or a folder that lies in it.

    Attributes:
        name: relative to the listed folder, with `/`.
        byte_size: bytes; 0 of a folder.
        modified_ns: nanoseconds since 1970; 0 of a folder.
        digest: stands for the content, as the store computes it: an S3 store's ETag, which is an
            MD5 in quotes unless the file was uploaded in parts; Cloud Storage's MD5 or CRC32C.
            Empty on a disk, and of a folder.
        outside: it is a link to something that does not lie in the listed folder.
        is_folder: it is a folder; only `list(…, deep=False)` gives any.
    """

    name: str
    byte_size: int = 0
    modified_ns: int = 0
    digest: str = ""
    outside: bool = False
    is_folder: bool = False


class StoreError(OSError):
    """A store refused, or did not answer: `strerror` says why, `filename` is the address."""

    def __init__(self, reason: str, address: str) -> None:
        super().__init__(errno.EIO, reason, address)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"

    def __reduce__(self) -> tuple[type, tuple[str | None, str]]:
        return type(self), (self.strerror, self.filename)


def missing(address: str) -> FileNotFoundError:
    """What to raise where there is no such file."""
    return FileNotFoundError(errno.ENOENT, "there is no such file", address)


def there_already(address: str) -> FileExistsError:
    """What to raise where a new file was to be written, and there is one."""
    return FileExistsError(errno.EEXIST, "there is such a file already", address)


class Bucket(Protocol):
    """A bucket of a store. Keys are literal; all methods but `exists` raise OSError.

    Where there is no such object, it is a FileNotFoundError.
    """

    def entries(self, prefix: str, deep: bool) -> Iterator[Entry]:
        """List what lies below a prefix, which is empty or ends with a slash."""

    def read(self, key: str) -> bytes:
        """Read a whole object."""

    def fetch(self, key: str, file: BinaryIO) -> None:
        """Write an object's content into an open file."""

    def put(self, key: str, content: bytes | Path, new: bool) -> None:
        """Write an object; where `new`, raise FileExistsError if there is one."""

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket."""

    def delete(self, key: str) -> None:
        """Delete an object, which may not be there."""

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""


def explained_by(
    translate: Callable[[Exception, str], Exception],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Decorate a method of a bucket that takes a key first.

    Args:
        translate: a client's error, and the address that it is about, to ours.
    """

    def explained(method: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(method)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return method(*args, **kwargs)
            except FileExistsError:
                raise
            except Exception as error:
                bucket, key = args[0], args[1]
                raise translate(error, f"{bucket.address}/{key}") from error  # type: ignore[attr-defined]

        return call

    return explained
