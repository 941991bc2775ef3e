"""The index of a cached batch: facts about each example that need no reading of the example.

Each example has one line, a JSON array of its `Entry`'s values. Each shard has one file, with the
lines in the order of the shard. The index stays in the cache; no artifact of a run contains it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

from customer_age.files import addresses, store
from customer_age.schema.refusals import Reason, Refusal

FILE = "entries.jsonl"
_PARTS = "entries"


@dataclass(frozen=True, slots=True)
class Entry:
    """One example of a cached batch.

    Attributes:
        shard: the number of the shard that contains it.
        split: that it was assigned to.
        person: a keyed hash, or empty.
        content: the SHA-256 of the photo's file, in hexadecimal digits.
        age: years.
        group: its age group.
        batch: the photo's batch, or empty.
        captured: the day on which the photo was taken, an ISO date, or empty.
        table: name of the row's table.
        line: last line of the row in the table.
        file_name: name of the photo's file.
    """

    shard: int
    split: str
    person: str
    content: str
    age: float
    group: str
    batch: str
    captured: str
    table: str
    line: int
    file_name: str

    def refusal(self, reason: Reason, detail: str) -> Refusal:
        """Return the line of `refused.csv` for an example that a run leaves out."""
        return Refusal(self.table, self.line, self.file_name, str(reason), detail)


_values = attrgetter(*(field.name for field in fields(Entry)))


def write(batch_uri: str, shard: int, entries: Iterable[Entry]) -> None:
    """Write the index of a shard; replace an earlier one."""
    store.write_whole(addresses.join(batch_uri, _PARTS, f"{shard:05d}.jsonl"), _lines(entries))


def gather(batch_uri: str) -> list[Entry]:
    """Merge the indexes of all shards into one file, which can be read with one request."""
    parts = addresses.join(batch_uri, _PARTS)
    entries = [
        each
        for file in sorted(each.name for each in store.list(parts))
        for each in _entries(addresses.join(parts, file))
    ]
    store.write_whole(addresses.join(batch_uri, FILE), _lines(entries))
    store.delete(parts, folder=True)
    return entries


def read(batch_uri: str) -> list[Entry]:
    """Read the index of a whole batch, shard by shard."""
    return _entries(addresses.join(batch_uri, FILE))


def _lines(entries: Iterable[Entry]) -> bytes:
    return "".join(f"{json.dumps(_values(each))}\n" for each in entries).encode()


def _entries(file: str) -> list[Entry]:
    # Parse all lines at once, for speed: each run reads a line for each photo of all batches.
    lines = b",".join(store.read(file).splitlines())
    return [Entry(*values) for values in json.loads(b"[" + lines + b"]")]
