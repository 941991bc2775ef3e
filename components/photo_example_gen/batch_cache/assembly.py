"""From pieces to the examples of a run: shards are copied as they are, and nothing is decoded.

Of each photo that stands in several pieces one example is kept, and who stands in an official
split of the base set stands there with the photos of all batches. Only a shard of which something
is left out or moved is written anew, record by record.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from customer_age.files import store
from customer_age.labels.tombstones import Forgotten
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import FORGOTTEN, Reason, Refusal

from .. import tfrecord_shards
from .cache import Piece
from .index import Entry

SAME_AGE = 1.0
"""Years. One table counts whole years, another one days: less than this is no contradiction."""


@dataclass(frozen=True)
class Placed:
    """One piece's share of a run.

    Attributes:
        piece: the piece.
        splits: for each of its entries the split that it goes to, or None where it is left out.
        refused: those that are left out, each with its reason.
    """

    piece: Piece
    splits: tuple[str | None, ...]
    refused: tuple[Refusal, ...]

    def kept(self) -> Iterator[tuple[str, Entry]]:
        """The split and the entry of each example that the run has."""
        for split, entry in zip(self.splits, self.piece.entries, strict=True):
            if split is not None:
                yield split, entry


def place(pieces: Sequence[Piece], forgotten: Forgotten) -> list[Placed]:
    """Decide where each example goes.

    Args:
        pieces: the base set's first; where a photo stands in several, the first one keeps it.
        forgotten: what no run may learn from, whatever the cache still holds.
    """
    official = {entry.person: entry.split for entry in pieces[0].entries if entry.person}
    left_out = _left_out(pieces, forgotten)
    placed = []
    for number, piece in enumerate(pieces):
        splits: list[str | None] = []
        refused = []
        for place_in_piece, entry in enumerate(piece.entries):
            if (refusal := left_out.get((number, place_in_piece))) is not None:
                splits.append(None)
                refused.append(refusal)
            elif number:
                splits.append(official.get(entry.person, entry.split))
            else:
                splits.append(entry.split)
        placed.append(Placed(piece, tuple(splits), tuple(refused)))
    return placed


def write(placed: Sequence[Placed], examples_uri: str) -> None:
    """Write the splits' folders of an `Examples` artifact, complete in themselves.

    Raises:
        OSError: a piece cannot be read, or the examples not be written.
    """
    for name in SPLITS:
        tfrecord_shards.make_folder(
            tfrecord_shards.join(examples_uri, tfrecord_shards.folder_of(name))
        )
    total = sum(each.piece.shard_count for each in placed)
    first = 0
    with ThreadPoolExecutor(store.at_once(examples_uri)) as pool:
        jobs = []
        for each in placed:
            of_shard: dict[int, list[tuple[str | None, Entry]]] = defaultdict(list)
            for split, entry in zip(each.splits, each.piece.entries, strict=True):
                of_shard[entry.shard].append((split, entry))
            for shard, examples in of_shard.items():
                job = _copy if all(split == entry.split for split, entry in examples) else _rewrite
                target = (examples_uri, first + shard, total)
                jobs.append(pool.submit(job, each.piece, shard, examples, *target))
            first += each.piece.shard_count
        for done in jobs:
            done.result()


def _left_out(pieces: Sequence[Piece], forgotten: Forgotten) -> dict[tuple[int, int], Refusal]:
    """What no run has, by the numbers of the piece and of the entry in it."""
    left_out: dict[tuple[int, int], Refusal] = {}
    alike: dict[str, list[tuple[int, int, Entry]]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        for place_in_piece, entry in enumerate(piece.entries):
            if forgotten.covers(entry.person, entry.captured):
                left_out[number, place_in_piece] = entry.refusal(Reason.FORGOTTEN, FORGOTTEN)
            else:
                alike[entry.content].append((number, place_in_piece, entry))
    for group in alike.values():
        if len(group) == 1:
            continue
        ages = sorted({entry.age for _, _, entry in group})
        if ages[-1] - ages[0] >= SAME_AGE:
            listed = " and ".join(f"{age:g}" for age in ages)
            why = Reason.SAME_PHOTO_OTHER_AGE, f"the same photo stands with the ages {listed}"
        else:
            first = group.pop(0)[2]
            why = (
                Reason.DUPLICATE,
                f"the same photo as {first.file_name} in {first.table}, line {first.line}, "
                "which is kept",
            )
        for number, place_in_piece, entry in group:
            left_out[number, place_in_piece] = entry.refusal(*why)
    return left_out


def _copy(
    piece: Piece,
    shard: int,
    examples: Sequence[tuple[str | None, Entry]],
    examples_uri: str,
    number: int,
    total: int,
) -> None:
    for split in {entry.split for _, entry in examples}:
        target = tfrecord_shards.join(
            examples_uri, tfrecord_shards.folder_of(split), tfrecord_shards.name_of(number, total)
        )
        tfrecord_shards.copy(piece.shard(split, shard), target)


def _rewrite(
    piece: Piece,
    shard: int,
    examples: Sequence[tuple[str | None, Entry]],
    examples_uri: str,
    number: int,
    total: int,
) -> None:
    """Copy the records that stay, to where they go."""
    with tfrecord_shards.ShardWriter(examples_uri, number, total) as writer:
        for former in sorted({entry.split for _, entry in examples}):
            records = tfrecord_shards.records(piece.shard(former, shard))
            goes_to = [split for split, entry in examples if entry.split == former]
            for split, record in zip(goes_to, records, strict=True):
                if split is not None:
                    writer.write(split, record)
