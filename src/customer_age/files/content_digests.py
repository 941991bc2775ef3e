"""Compute the content digest of files: 32 hexadecimal digits, the same in every location.

The digest is the MD5, which S3 and Cloud Storage compute for nearly all objects (`Entry.md5`): a
listing of a bucket is enough, and a folder with the same bytes has the same digests. Digests show
whether data are the same as before. An attacker can make two contents with the same MD5, but anyone
who can write to a training set can change it in any case. Two photos collide by accident with a
probability of 2**-128.
"""

import hashlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from . import addresses, store
from .addresses import DataUnavailable, is_remote, join, local_path, plain
from .entries import Entry
from .file_names import wrong_with

OUTSIDE = "outside"
"""Replaces the digest of a file outside the folder, which is not read."""

MISSING = "missing"
"""Replaces the digest of a file that was deleted after it was listed."""

UNREADABLE = "unreadable"
"""Replaces the digest of a file on this machine that cannot be read."""

_FOLDER = "_digests"
_MD5 = re.compile(r"[0-9a-f]{32}")
_KEY_DIGITS = 24

_SETTLED_NS = 2 * 10**9
"""A file that changed within this time may change again and keep the same timestamp on some file
systems. Git calls such a file "racy": see its Documentation/technical/racy-git.txt."""

_LARGE = 2**18
"""Bytes. On two cores, threads need half the time for 120 MB in files of 3 MB, but three times the
time for files of 5 kB, because Python's global lock changes its owner at each file."""

_READ_AT_ONCE = 32
_reads = threading.BoundedSemaphore(_READ_AT_ONCE)
"""Shared by all folders of this process, because each open object takes memory."""

_log = logging.getLogger(__name__)


class ContentDigests:
    """Compute the MD5 of each file in a folder, and remember the digests of files it had to read.

    The memory holds no names and no sizes: its keys are hashes of a file's name, size, times and
    ETag, and its values are the digests. It may be deleted at any time.
    """

    def __init__(self, memory: str = "") -> None:
        """Set the location of the memory; nothing is read yet.

        Args:
            memory: the address of a folder, whose sub-folder `_digests` is used; empty to
                remember nothing.
        """
        self._memory = memory
        self._writable = True

    def of(self, folder: str, entries: Iterable[Entry]) -> dict[str, str]:
        """Return the content digest of each file in a folder.

        Args:
            folder: its path or address.
            entries: files in it, named relative to it. When a new digest is remembered, the
                digests of all other files of this folder are forgotten, so pass every file that
                will be needed.

        Returns:
            A mapping of name to 32 hexadecimal digits, or to `OUTSIDE`, `MISSING` or `UNREADABLE`.

        Raises:
            OSError: the store refuses, or does not answer.
        """
        entries = [entry for entry in entries if not entry.is_folder]
        digests = {entry.name: _without_reading(entry) for entry in entries}
        unread = {_key(entry): entry for entry in entries if not digests[entry.name]}
        if not unread:
            return digests
        remembered = self._remembered(folder)
        known = {key: remembered[key] for key in unread if key in remembered}
        new = {key: entry for key, entry in unread.items() if key not in known}
        started_ns = time.time_ns()
        found = dict(zip(new, _hashed(folder, [*new.values()]), strict=True))
        lasting = {
            key: digest for key, digest in found.items() if _lasts(new[key], digest, started_ns)
        }
        if lasting:
            self._remember(folder, known | lasting)
        found |= known
        return digests | {entry.name: found[key] for key, entry in unread.items()}

    def forget(self, folder: str) -> None:
        """Delete the remembered digests of a folder, for example after some photos were erased.

        Raises:
            OSError: it cannot be deleted.
        """
        if self._memory:
            store.delete(self._file(folder))

    def _file(self, folder: str) -> str:
        path = plain(folder) if is_remote(folder) else os.path.abspath(local_path(folder))  # noqa: PTH100
        name = hashlib.sha256(path.rstrip("/").encode(errors="surrogateescape")).hexdigest()[:32]
        return join(self._memory, _FOLDER, f"{name}.json")

    def _remembered(self, folder: str) -> Mapping[str, str]:
        """Return key to digest; empty if there is no memory, or it cannot be read."""
        if not self._memory:
            return {}
        try:
            read = json.loads(store.read(self._file(folder)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, DataUnavailable) as error:
            self._complain("read", error)
            return {}
        if not isinstance(read, dict):
            return {}
        return {
            key: digest
            for key, digest in read.items()
            if isinstance(digest, str) and _MD5.fullmatch(digest)
        }

    def _remember(self, folder: str, digests: Mapping[str, str]) -> None:
        if not self._memory or not self._writable:
            return
        try:
            store.write_whole(self._file(folder), json.dumps(digests).encode())
        except (OSError, DataUnavailable) as error:
            # The user may have read access only: then files are hashed again each time.
            self._writable = False
            self._complain("written", error)

    def _complain(self, done: str, error: Exception) -> None:
        reason = "it is damaged" if isinstance(error, ValueError) else error
        if isinstance(error, OSError):
            reason = error.strerror or error
        folder = plain(join(self._memory, _FOLDER))
        _log.warning("%s cannot be %s, so files are hashed again: %s", folder, done, reason)


def _without_reading(entry: Entry) -> str:
    return OUTSIDE if entry.outside or wrong_with(entry.name) else entry.md5


def _key(entry: Entry) -> str:
    """Hash an entry of a listing. File names may contain card numbers, so none is stored."""
    times = (entry.modified_ns, entry.changed_ns)
    text = "\0".join(map(str, (entry.name, entry.byte_size, *times, entry.digest)))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_KEY_DIGITS]


def _lasts(entry: Entry, digest: str, hashed_ns: int) -> bool:
    """Return whether a digest may be remembered: changed content would change the listed entry."""
    if not _MD5.fullmatch(digest):
        return False
    changed_ns = max(entry.modified_ns, entry.changed_ns)
    return bool(entry.digest) or hashed_ns - changed_ns >= _SETTLED_NS


def _hashed(folder: str, entries: list[Entry]) -> list[str]:
    """Read each file and return its digest."""
    at_once = addresses.at_once(folder)
    if not is_remote(folder) and sum(entry.byte_size for entry in entries) > _LARGE * len(entries):
        at_once = os.cpu_count() or 1
    at_once = min(at_once, len(entries), _READ_AT_ONCE)
    if at_once <= 1:
        return [_read(folder, entry.name) for entry in entries]
    with ThreadPoolExecutor(at_once) as pool:
        return [*pool.map(lambda entry: _read(folder, entry.name), entries)]


def _read(folder: str, name: str) -> str:
    try:
        with _reads, store.open(join(folder, name)) as file:
            # Each file that `open` returns has `readinto`, which a BinaryIO need not have.
            return hashlib.file_digest(file, _md5).hexdigest()  # type: ignore[arg-type]
    except FileNotFoundError:
        return MISSING
    except OSError:
        if is_remote(folder):
            raise
        return UNREADABLE  # the ingestion refuses its row


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
