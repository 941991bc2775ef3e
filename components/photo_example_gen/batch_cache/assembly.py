"""From batches to the examples of a run: shards are copied as they are, and nothing is decoded.

Of each photo that stands in several rows one example is kept, and who stands in an official split
of the base set stands there with the photos of all batches, and in no other one. Only a shard of
which something is left out or moved is written anew, record by record.
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
    """One batch's share of a run.

    Attributes:
        batch: the batch, or the base set.
        splits: for each of its entries the split that it goes to, or None where it is left out.
        refused: those that are left out, each with its reason.
    """

    batch: CachedBatch
    splits: tuple[str | None, ...]
    refused: tuple[Refusal, ...]

    def kept(self) -> Iterator[tuple[str, Entry]]:
        """The split and the entry of each example that the run has."""
        for split, entry in zip(self.splits, self.batch.entries, strict=True):
            if split is not None:
                yield split, entry

    def counts(self, new: bool) -> BatchCounts:
        """What became of the batch's rows.

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
    """Decide where each example goes.

    Args:
        batches: the base set first; where a photo stands in several, the first one keeps it.
        forgotten: what no run may learn from, whatever the cache still holds.
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
    """The one split of each person of the base set."""
    return home_splits(
        (entry.person, entry.split)
        for position, entry in enumerate(base.entries)
        if position not in left_out
    )


def write(placements: Sequence[Placement], examples_uri: str) -> None:
    """Write the splits' folders of an `Examples` artifact, complete in themselves.

    Raises:
        OSError: a batch cannot be read, or the examples not be written.
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
    """What no run has, by the numbers of the batch and of the entry in it."""
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
    """Copy the records that stay, to where they go."""
    with tfrecord_shards.ShardWriter(examples_uri, number, total) as writer:
        for former in sorted({entry.split for _, entry in examples}):
            records = tfrecord_shards.records(batch.shard(former, shard))
            goes_to = [split for split, entry in examples if entry.split == former]
            for split, record in zip(goes_to, records, strict=True):
                if split is not None:
                    writer.write(split, record)
