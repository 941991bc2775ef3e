"""The entries of a listing, the errors of a store, and the protocol of a bucket."""

import base64
import errno
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ParamSpec, Protocol, TypeVar

from .file_names import shown

_P = ParamSpec("_P")
_T = TypeVar("_T")

_ETAG_OF_ONE_PART = re.compile(r'"([0-9a-f]{32})"')
_MD5_BYTES = 16

ATTEMPT = "attempt"
"""Metadata key of an object that had to be new; the value identifies the writer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a sub-folder in a listed folder.

    Attributes:
        name: relative to the listed folder, with `/`.
        byte_size: bytes; 0 for a folder.
        modified_ns: nanoseconds since 1970; 0 for a folder.
        digest: of the content, as the store computes it: an S3 store's ETag, which is an MD5 in
            quotes unless the file was uploaded in parts; Cloud Storage's MD5 or CRC32C. Empty on a
            disk, and for a folder.
        changed_ns: nanoseconds since 1970 of the last change of the file or its metadata (ctime),
            which nobody can set back; 0 in a store.
        outside: it is a link to a target outside the listed folder.
        is_folder: it is a folder; only `list(…, deep=False)` returns folders.
        note: the note that `write_note` wrote.
    """

    name: str
    byte_size: int = 0
    modified_ns: int = 0
    digest: str = ""
    outside: bool = False
    is_folder: bool = False
    note: str = ""
    changed_ns: int = 0

    @property
    def md5(self) -> str:
        """The content's MD5 in 32 hexadecimal digits if the store reports it, else empty.

        S3's ETag is an MD5 unless the object was uploaded in parts (then it ends in `-` and the
        number of parts) or is encrypted with keys of KMS or of the customer. The ETag of an
        encrypted object looks like an MD5 and changes with the content, but differs for each copy,
        so a copy counts as other data. Cloud Storage reports an MD5 for all objects except
        composite ones, which have a CRC32C only.

        Sources: "ETag" at https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html and
        https://cloud.google.com/storage/docs/hashes-etags.
        """
        if found := _ETAG_OF_ONE_PART.fullmatch(self.digest):
            return found[1]
        try:
            decoded = base64.b64decode(self.digest, validate=True)
        except ValueError:
            return ""
        return decoded.hex() if len(decoded) == _MD5_BYTES else ""


class StoreError(OSError):
    """A store refused or did not answer: `strerror` is the reason, `filename` the address."""

    def __init__(self, reason: str, address: str) -> None:
        super().__init__(errno.EIO, reason, address)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"

    def __reduce__(self) -> tuple[type, tuple[str | None, str]]:
        return type(self), (self.strerror, self.filename)


def missing(address: str) -> FileNotFoundError:
    """Return the error for a file that does not exist."""
    return FileNotFoundError(errno.ENOENT, "there is no such file", address)


def misnamed(name: str, wrong: str, address: str) -> StoreError:
    """Return the error for an external name that cannot be used; see `file_names.wrong_with`."""
    return StoreError(f"the name {shown(name)} {wrong}; rename or delete it", address)


def there_already(address: str) -> FileExistsError:
    """Return the error for a new file whose name is taken."""
    return FileExistsError(errno.EEXIST, "there is such a file already", address)


class Bucket(Protocol):
    """A bucket of a store. Keys are literal; all methods except `exists` raise OSError.

    If the object does not exist, the error is a FileNotFoundError.
    """

    def entries(self, prefix: str, deep: bool) -> Iterator[Entry]:
        """List the objects below a prefix, which is empty or ends with a slash."""

    def read(self, key: str) -> bytes:
        """Read a whole object."""

    def fetch(self, key: str, file: BinaryIO) -> None:
        """Write an object's content into an open file."""

    def put(self, key: str, content: bytes | Path, new: bool) -> None:
        """Write an object; if `new` is set, raise FileExistsError if the key is taken."""

    def copy(self, key: str, target: str) -> None:
        """Copy an object within the bucket."""

    def delete(self, key: str) -> None:
        """Delete an object if it exists."""

    def exists(self, key: str) -> bool:
        """Return whether there is an object with this key."""


def explained_by(
    translate: Callable[[Exception, str], Exception],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Return a decorator for a bucket's methods whose first argument is a key.

    Args:
        translate: returns our error for a client's error and the address that it is about.
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
