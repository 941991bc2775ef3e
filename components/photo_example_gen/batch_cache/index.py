"""The index of a piece: what is known of each of its examples without reading one.

One line an example, a JSON array of its `Entry`'s values; a file a shard, in the order in which
the shard holds them. It stays in the cache; no artifact of a run has it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import attrgetter

from customer_age.labels.data_set import LabelRow
from customer_age.schema import age_groups
from customer_age.schema.refusals import Reason, Refusal

from .. import tfrecord_shards
from ..examples import Made, age_of

FILE = "entries.jsonl"
_PARTS = "entries"


@dataclass(frozen=True, slots=True)
class Entry:
    """One example of a piece.

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


def entry(row: LabelRow, made: Made, shard: int, groups: age_groups.AgeGroups) -> Entry:
    """What the index says of an example."""
    age = age_of(row.age)
    return Entry(
        shard=shard,
        split=made.split,
        person=row.person,
        content=made.content,
        age=age,
        group=groups.of(age),
        batch=row.batch,
        captured=row.captured,
        table=row.table,
        line=row.line,
        file_name=row.file_name,
    )


def write(piece_uri: str, shard: int, entries: Iterable[Entry]) -> None:
    """Write the index of a shard; written again, it replaces itself."""
    folder = tfrecord_shards.join(piece_uri, _PARTS)
    tfrecord_shards.make_folder(folder)
    tfrecord_shards.write(tfrecord_shards.join(folder, f"{shard:05d}.jsonl"), _lines(entries))


def gather(piece_uri: str) -> list[Entry]:
    """Put the indexes of all shards into one file, which is read in one go."""
    parts = tfrecord_shards.join(piece_uri, _PARTS)
    entries = [
        each
        for file in tfrecord_shards.files(parts)
        if file.endswith(".jsonl")  # what a killed worker left has a longer name
        for each in _entries(file)
    ]
    tfrecord_shards.write(tfrecord_shards.join(piece_uri, FILE), _lines(entries))
    tfrecord_shards.remove(parts)
    return entries


def read(piece_uri: str) -> list[Entry]:
    """Read the index of a whole piece, shard by shard."""
    return _entries(tfrecord_shards.join(piece_uri, FILE))


def _lines(entries: Iterable[Entry]) -> bytes:
    return "".join(f"{json.dumps(_values(each))}\n" for each in entries).encode()


def _entries(file: str) -> list[Entry]:
    # All lines in one go: there is one for each photo of the window, at every run.
    lines = b",".join(tfrecord_shards.read(file).splitlines())
    return [Entry(*values) for values in json.loads(b"[" + lines + b"]")]
