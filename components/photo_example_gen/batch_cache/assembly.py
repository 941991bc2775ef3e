"""Assembles the examples of a run from batches: shards are copied, and nothing is decoded.

If a photo is in several rows, one example is kept. A person who is in an official split of the base
set is only in that split, with the photos of all batches. A shard is only rewritten, record by
record, if examples are left out of it or moved.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customer_age.files import addresses, store
from customer_age.labels import Forgotten
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import FORGOTTEN, Reason, Refusal

from ...artifacts.ingestion import BatchCounts
from .. import deduplication, tfrecord_shards
from ..deduplication import Position
from ..home_splits import elsewhere, home_splits
from .cache import CachedBatch
from .index import Entry


@dataclass(frozen=True)
class Placement:
    """The entries of one batch in a run.

    Attributes:
        batch: the batch, or the base set.
        splits: for each of its entries the split in the run, or None if it is left out.
        refused: the entries that are left out, each with its reason.
    """

    batch: CachedBatch
    splits: tuple[str | None, ...]
    refused: tuple[Refusal, ...]

    def kept(self) -> Iterator[tuple[str, Entry]]:
        """Yield the split and the entry of each example of the run."""
        for split, entry in zip(self.splits, self.batch.entries, strict=True):
            if split is not None:
                yield split, entry

    def counts(self, new: bool) -> BatchCounts:
        """Return the counts of the batch's rows.

        Args:
            new: whether this run ingested it.
        """
        kept = list(self.kept())
        photos = Counter(split for split, _ in kept)
        groups = Counter(entry.group for _, entry in kept)
        refused = Counter(each.reason for each in (*self.batch.refused, *self.refused))
        return BatchCounts(
            rows=self.batch.rows,
            photos={split: photos[split] for split in SPLITS},
            refused=dict(sorted(refused.items())),
            age_groups=dict(sorted(groups.items())),
            new=new,
        )


def place(batches: Sequence[CachedBatch], forgotten: Forgotten) -> list[Placement]:
    """Decide the split of each example.

    Args:
        batches: the base set first; if a photo is in several batches, the first one keeps it.
        forgotten: people and days that no run may use, even if the cache still contains them.
    """
    left_out = _left_out(batches, forgotten)
    home = _home(batches[0], {position for number, position in left_out if not number})
    placements = []
    for number, batch in enumerate(batches):
        splits: list[str | None] = []
        refused = []
        for position, entry in enumerate(batch.entries):
            if (refusal := left_out.get((number, position))) is not None:
                splits.append(None)
                refused.append(refusal)
            elif number:
                splits.append(home.get(entry.person, entry.split))
            elif entry.person and home[entry.person] != entry.split:
                splits.append(None)
                detail = elsewhere(home[entry.person])
                refused.append(entry.refusal(Reason.PERSON_IN_TWO_SPLITS, detail))
            else:
                splits.append(entry.split)
        placements.append(Placement(batch, tuple(splits), tuple(refused)))
    return placements


def _home(base: CachedBatch, left_out: Set[int]) -> dict[str, str]:
    """Return the one split of each person of the base set."""
    return home_splits(
        (entry.person, entry.split)
        for position, entry in enumerate(base.entries)
        if position not in left_out
    )


def write(placements: Sequence[Placement], examples_uri: str) -> None:
    """Write the complete folders of the splits of an `Examples` artifact.

    Raises:
        OSError: a batch cannot be read, or the examples cannot be written.
    """
    total = sum(each.batch.shard_count for each in placements)
    first = 0
    with ThreadPoolExecutor(addresses.at_once(examples_uri)) as pool:
        jobs = []
        for each in placements:
            of_shard: dict[int, list[tuple[str | None, Entry]]] = defaultdict(list)
            for split, entry in zip(each.splits, each.batch.entries, strict=True):
                of_shard[entry.shard].append((split, entry))
            for shard, examples in of_shard.items():
                job = _copy if all(split == entry.split for split, entry in examples) else _rewrite
                target = (examples_uri, first + shard, total)
                jobs.append(pool.submit(job, each.batch, shard, examples, *target))
            first += each.batch.shard_count
        for done in jobs:
            done.result()


def _left_out(batches: Sequence[CachedBatch], forgotten: Forgotten) -> dict[Position, Refusal]:
    """Return the entries that the run leaves out, by the indexes of batch and entry."""
    left_out: dict[Position, Refusal] = {}
    remembered: list[tuple[Position, Entry]] = []
    for number, batch in enumerate(batches):
        for position, entry in enumerate(batch.entries):
            if forgotten.covers(entry.person, entry.captured):
                left_out[number, position] = entry.refusal(Reason.FORGOTTEN, FORGOTTEN)
            else:
                remembered.append(((number, position), entry))
    for place, entry, reason, detail in deduplication.repeated(remembered):
        left_out[place] = entry.refusal(reason, detail)
    return left_out


def _copy(
    batch: CachedBatch,
    shard: int,
    examples: Sequence[tuple[str | None, Entry]],
    examples_uri: str,
    number: int,
    total: int,
) -> None:
    for split in {entry.split for _, entry in examples}:
        target = addresses.join(
            examples_uri, tfrecord_shards.folder_of(split), tfrecord_shards.name_of(number, total)
        )
        store.copy(batch.shard(split, shard), target)


def _rewrite(
    batch: CachedBatch,
    shard: int,
    examples: Sequence[tuple[str | None, Entry]],
    examples_uri: str,
    number: int,
    total: int,
) -> None:
    """Copy the records that stay to their splits."""
    with tfrecord_shards.ShardWriter(examples_uri, number, total) as writer:
        for former in sorted({entry.split for _, entry in examples}):
            records = tfrecord_shards.records(batch.shard(former, shard))
            new_splits = [split for split, entry in examples if entry.split == former]
            for split, record in zip(new_splits, records, strict=True):
                if split is not None:
                    writer.write(split, record)
