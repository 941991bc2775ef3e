"""What the content of files is, in 32 hexadecimal digits each: the same wherever and whenever.

It is the MD5, as S3 and Cloud Storage compute it of nearly all that they keep (`Entry.md5`): a
listing of a bucket is enough, and a folder of the same bytes agrees with it. Digests here tell
whether data are the same as before. That MD5s of two contents can be made to collide does not
matter for that: anyone who may write a training set can write anything into it anyway. Two photos
that nobody made so collide with a probability of 2**-128.
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
from .addresses import DataAway, is_remote, join, local_path, plain
from .entries import Entry
from .file_names import wrong_with

OUTSIDE = "outside"
"""Instead of the digest of what does not lie in the folder by its name, which is not read."""

MISSING = "missing"
"""Instead of the digest of a file that has gone since it was listed."""

UNREADABLE = "unreadable"
"""Instead of the digest of a file of this machine that cannot be read."""

_FOLDER = "_digests"
_MD5 = re.compile(r"[0-9a-f]{32}")
_KEY_DIGITS = 24

_SETTLED_NS = 2 * 10**9
"""A file that changed so shortly ago may change again and have the same time, as some file systems
count it. Git knows the like as "racy": its Documentation/technical/racy-git.txt."""

_LARGE = 2**18
"""Bytes. Threads hash 120 MB in files of 3 MB in half of the time on two cores, but files of 5 kB
in three times of it: Python's lock changes hands at each."""

_READ_AT_ONCE = 32
_reads = threading.BoundedSemaphore(_READ_AT_ONCE)
"""Of all folders of this process, as each open object takes memory."""

_log = logging.getLogger(__name__)


class ContentDigests:
    """The MD5 of each file of a folder; what had to be read for it is remembered.

    A memory holds neither names nor sizes: its keys are hashes of a file's name, size, times and
    ETag, its values the digests. It may be deleted at any time.
    """

    def __init__(self, memory: str = "") -> None:
        """Say where digests are remembered; nothing is read yet.

        Args:
            memory: the address of a folder, whose sub-folder `_digests` is used; empty to
                remember nothing.
        """
        self._memory = memory
        self._writable = True

    def of(self, folder: str, entries: Iterable[Entry]) -> dict[str, str]:
        """Tell the content of each file of a folder.

        Args:
            folder: its path or address.
            entries: files of it, by their names in it. Digests of all others of this folder are
                forgotten once something new is remembered, so give all that are ever asked for.

        Returns:
            Name to 32 hexadecimal digits, or to `OUTSIDE`, `MISSING` or `UNREADABLE`.

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
        """Delete what is remembered of a folder, as after photos of it were erased.

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
        """Key to digest; nothing where there is no memory, or none that can be read."""
        if not self._memory:
            return {}
        try:
            read = json.loads(store.read(self._file(folder)))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, DataAway) as error:
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
        except (OSError, DataAway) as error:
            # The folder may be read-only: files are then hashed again each time.
            self._writable = False
            self._complain("written", error)

    def _complain(self, done: str, error: Exception) -> None:
        reason = "it is damaged" if isinstance(error, ValueError) else error
        if isinstance(error, OSError):
            reason = error.strerror or error
        where = plain(join(self._memory, _FOLDER))
        _log.warning("%s cannot be %s, so files are hashed again: %s", where, done, reason)


def _without_reading(entry: Entry) -> str:
    return OUTSIDE if entry.outside or wrong_with(entry.name) else entry.md5


def _key(entry: Entry) -> str:
    """Return the identity of a file as it was listed, without its name (it may hold a card)."""
    times = (entry.modified_ns, entry.changed_ns)
    text = "\0".join(map(str, (entry.name, entry.byte_size, *times, entry.digest)))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_KEY_DIGITS]


def _lasts(entry: Entry, digest: str, hashed_ns: int) -> bool:
    """Whether a digest may be remembered: another content would be listed otherwise."""
    if not _MD5.fullmatch(digest):
        return False
    changed_ns = max(entry.modified_ns, entry.changed_ns)
    return bool(entry.digest) or hashed_ns - changed_ns >= _SETTLED_NS


def _hashed(folder: str, entries: list[Entry]) -> list[str]:
    """The digest of each file, by reading it."""
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
            # Each that `open` gives has `readinto`, which a BinaryIO need not have.
            return hashlib.file_digest(file, _md5).hexdigest()  # type: ignore[arg-type]
    except FileNotFoundError:
        return MISSING
    except OSError:
        if is_remote(folder):
            raise
        return UNREADABLE  # its row is refused when it is ingested


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
