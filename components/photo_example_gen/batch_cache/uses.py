"""Notes of the batches that runs use: each run writes a note before it reads a batch.

```
<cache>/_used/<32 hex>  keys of batches, one per line; its modification time is the time of use
<cache>/_used/swept     its modification time is the time of the last sweep
```
A run writes one note for all its batches, because it may use ten thousand. All times are the
modification times of the store or of the folder's file system.
"""

import re
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from customer_age.files import Entry, addresses, store

FOLDER = "_used"
_SWEPT = "swept"
_NOTE = re.compile("[0-9a-f]{32}")


def write(cache_uri: str, keys: Sequence[str]) -> None:
    """Note that a run uses batches from now on.

    Raises:
        OSError: the cache cannot be written.
    """
    note = addresses.join(cache_uri, FOLDER, uuid.uuid4().hex)
    store.write_whole(note, "\n".join(keys).encode())


def swept_ns(cache_uri: str) -> int:
    """Return the time of the last sweep, in nanoseconds since 1970; 0 if there was none.

    Raises:
        OSError: the cache cannot be listed.
    """
    listed = store.list(addresses.join(cache_uri, FOLDER), deep=False)
    return next((each.modified_ns for each in listed if each.name == _SWEPT), 0)


def mark_swept(cache_uri: str) -> int:
    """Note that the cache is swept now, and return that time from the store.

    Raises:
        OSError: the cache cannot be written or listed.
    """
    store.write_whole(addresses.join(cache_uri, FOLDER, _SWEPT), _SWEPT.encode())
    return swept_ns(cache_uri)


class Uses:
    """The last use of each batch of a cache.

    Attributes:
        last_ns: key to nanoseconds since 1970.
        needless: addresses of notes whose batches are all in newer notes.
        notes: address of each note to nanoseconds since 1970.
    """

    def __init__(self, cache_uri: str) -> None:
        self._folder = addresses.join(cache_uri, FOLDER)
        self.last_ns: dict[str, int] = {}
        self.needless: list[str] = []
        self.notes: dict[str, int] = {}

    def read_on(self) -> None:
        """Read the notes that were written since the last call.

        Raises:
            OSError: a note cannot be read.
        """
        # A note that was listed and then deleted was needless: the note that replaces it may be
        # newer than the listing.
        while self._read_listed():
            pass

    def _read_listed(self) -> bool:
        """Read the notes that are listed now; return whether one of them was deleted."""
        listed = [
            each
            for each in store.list(self._folder, deep=False)
            if _NOTE.fullmatch(each.name) and self._address(each) not in self.notes
        ]
        newest_first = sorted(listed, key=lambda each: each.modified_ns, reverse=True)
        gone = False
        with ThreadPoolExecutor(addresses.at_once(self._folder)) as pool:
            for note, keys in zip(newest_first, pool.map(self._keys, newest_first), strict=True):
                self.notes[self._address(note)] = note.modified_ns
                gone = gone or keys is None
                self._add(note, keys or [])
        return gone

    def _add(self, note: Entry, keys: Sequence[str]) -> None:
        if all(self.last_ns.get(key, 0) > note.modified_ns for key in keys):
            self.needless.append(self._address(note))
        for key in keys:
            self.last_ns[key] = max(self.last_ns.get(key, 0), note.modified_ns)

    def _keys(self, note: Entry) -> list[str] | None:
        try:
            return store.read(self._address(note)).decode().split("\n")
        except FileNotFoundError:
            return None

    def _address(self, note: Entry) -> str:
        return addresses.join(self._folder, note.name)
