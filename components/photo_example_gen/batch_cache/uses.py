"""Which batches of a cache runs use: each run leaves a note, before it looks for a batch.

```
<cache>/_used/<32 hex>  keys of batches, one a line; its time of change is when they were used
<cache>/_used/swept     its time of change is when the cache was swept
```
One note a run, and not a mark for each batch: a run may use ten thousand. All times are those that
the store, or the folder's file system, gives the files.
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
    """When the cache was swept, in nanoseconds since 1970; 0 where it never was.

    Raises:
        OSError: the cache cannot be listed.
    """
    listed = store.list(addresses.join(cache_uri, FOLDER), deep=False)
    return next((each.modified_ns for each in listed if each.name == _SWEPT), 0)


def mark_swept(cache_uri: str) -> int:
    """Note that the cache is swept now, and give that time as the store has it.

    Raises:
        OSError: the cache cannot be written or listed.
    """
    store.write_whole(addresses.join(cache_uri, FOLDER, _SWEPT), _SWEPT.encode())
    return swept_ns(cache_uri)


class Uses:
    """When each batch of a cache was used last.

    Attributes:
        last_ns: key to nanoseconds since 1970.
        needless: addresses of notes on nothing but what newer notes tell too.
        notes: address of each note, to nanoseconds since 1970.
    """

    def __init__(self, cache_uri: str) -> None:
        self._folder = addresses.join(cache_uri, FOLDER)
        self.last_ns: dict[str, int] = {}
        self.needless: list[str] = []
        self.notes: dict[str, int] = {}

    def read_on(self) -> None:
        """Read the notes that were written since the last call.

        Raises:
            OSError: one cannot be read.
        """
        # A note that was listed and is gone was needless: the one that tells more may be newer.
        while self._read_listed():
            pass

    def _read_listed(self) -> bool:
        """Read what is listed now, and tell whether a part of it was gone."""
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
