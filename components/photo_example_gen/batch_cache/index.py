"""The index of a cached batch: what is known of each of its examples without reading one.

One line an example, a JSON array of its `Entry`'s values; a file a shard, in the order in which
the shard holds them. It stays in the cache; no artifact of a run has it.
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
        shard: the number of the shard that holds it.
        split: into which it was dealt.
        person: a keyed hash, or empty.
        content: the SHA-256 of the photo's file, in hexadecimal digits.
        age: years.
        group: its age group.
        batch: the batch that the photo came with, or empty.
        captured: the day on which the photo was taken, an ISO date, or empty.
        table: where its row stands.
        line: where its row ends there.
        file_name: the photo's name.
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
        """The line of `refused.csv` for an example that a run leaves out."""
        return Refusal(self.table, self.line, self.file_name, str(reason), detail)


_values = attrgetter(*(field.name for field in fields(Entry)))


def write(batch_uri: str, shard: int, entries: Iterable[Entry]) -> None:
    """Write the index of a shard; written again, it replaces itself."""
    store.write_whole(addresses.join(batch_uri, _PARTS, f"{shard:05d}.jsonl"), _lines(entries))


def gather(batch_uri: str) -> list[Entry]:
    """Put the indexes of all shards into one file, which is read in one go."""
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
    # All lines in one go: there is one for each photo of all batches, at every run.
    lines = b",".join(store.read(file).splitlines())
    return [Entry(*values) for values in json.loads(b"[" + lines + b"]")]
