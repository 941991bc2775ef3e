"""The data window: what a run learns from, the base set and some batches of the inbox.

Each is ingested once, into a cache; a run's examples are put together from there. So the cost of
a run's ingestion grows with what is new, not with all there is.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from customer_age.labels import pseudonyms
from customer_age.labels.data_set import DataSet, fingerprints
from customer_age.labels.tables import digest_of
from customer_age.schema.features import SPLITS

from . import beam_pipeline, refused_list, tfrecord_shards
from .batch_cache import assembly
from .batch_cache.assembly import Placed
from .batch_cache.cache import Piece, PieceCache
from .examples import IngestionSettings

BASE = "base"
"""What the base set is called among the batches."""

RunPipeline = Callable[[int, Callable[[beam.Pipeline], None]], Any]
"""Runs a Beam pipeline for so many rows, once what it is given has added the steps."""


@dataclass(frozen=True)
class Window:
    """What a run learns from.

    Attributes:
        data_sets: the base set, then the batches.
        settings: how a photo becomes an example.
        recipe: all else that decides what becomes of a data set, as text: the code above all.
    """

    data_sets: Sequence[DataSet]
    settings: IngestionSettings
    recipe: str

    def ingest(self, cache: PieceCache, run: RunPipeline, examples_uri: str) -> dict[str, Any]:
        """Ingest what is new, and write all of a run's examples.

        Args:
            cache: of pieces.
            run: runs Beam.
            examples_uri: the root of the `Examples` artifact; gets a folder for each split, and
                `refused.csv`.

        Returns:
            `rows`, `photos` by split, and `batches` with the same of each piece.

        Raises:
            RunError: rows were lost on the way.
        """
        started = time.monotonic()
        keys = [
            self._key(data_set, fingerprint)
            for data_set, fingerprint in zip(
                self.data_sets, fingerprints(self.data_sets), strict=True
            )
        ]
        known = {
            number: piece
            for number, (key, data_set) in enumerate(zip(keys, self.data_sets, strict=True))
            if (piece := cache.find(key, data_set.batch)) is not None
        }
        pieces = self._ingested(cache, run, keys, known)
        ingested = time.monotonic()
        placed = assembly.place(pieces, self.data_sets[0].forgotten)
        assembly.write(placed, examples_uri)
        tfrecord_shards.remove_unfinished(examples_uri)
        refused_list.write(
            examples_uri, [each for one in placed for each in (*one.piece.refused, *one.refused)]
        )
        batches = {
            one.piece.batch or BASE: {**_told(one), "new": number not in known}
            for number, one in enumerate(placed)
        }
        photos: Counter[str] = Counter(dict.fromkeys(SPLITS, 0))
        for told in batches.values():
            photos.update(told["photos"])
        return {
            "rows": sum(piece.rows for piece in pieces),
            "photos": {split: photos[split] for split in SPLITS},
            "batches": batches,
            "seconds_ingesting": round(ingested - started, 2),
            "seconds_assembling": round(time.monotonic() - ingested, 2),
        }

    def _ingested(
        self,
        cache: PieceCache,
        run: RunPipeline,
        keys: Sequence[str],
        known: Mapping[int, Piece],
    ) -> list[Piece]:
        """All pieces; those that are new come out of one Beam pipeline."""
        pieces = dict(known)
        attempts = {
            number: cache.attempt(key) for number, key in enumerate(keys) if number not in known
        }

        def add_steps(pipeline: beam.Pipeline) -> None:
            for number, attempt in attempts.items():
                data_set = self.data_sets[number]
                name = f"Batch {data_set.batch}" if data_set.batch else "Base"
                beam_pipeline.ingest(pipeline, data_set, self.settings, attempt, piece=name)

        try:
            if attempts:
                run(sum(self.data_sets[number].row_count for number in attempts), add_steps)
        except BaseException:
            for attempt in attempts.values():  # nobody else knows of them
                tfrecord_shards.remove(attempt)
            raise
        for number, attempt in attempts.items():
            data_set = self.data_sets[number]
            count = beam_pipeline.shard_count(data_set.row_count)
            pieces[number] = cache.commit(keys[number], attempt, data_set, count)
        return [pieces[number] for number in range(len(self.data_sets))]

    def _key(self, data_set: DataSet, fingerprint: str) -> str:
        """What the piece of a data set is kept under: changes with all that decides about it."""
        settings = self.settings
        return digest_of(
            fingerprint,
            data_set.layout,
            data_set.batch,
            str(data_set.face_crops),
            repr([sorted({**each.optional, **each.columns}.items()) for each in data_set.tables]),
            pseudonyms.fingerprint(data_set.person_key) if data_set.has_persons else "",
            json.dumps(dict(settings.split_shares)),
            f"{settings.stored_size} {settings.min_size} {settings.jpeg_quality}",
            settings.split_key,
            repr(settings.groups),
            self.recipe,
        )[:32]


def _told(placed: Placed) -> dict[str, Any]:
    """What the summary says of one piece."""
    kept = list(placed.kept())
    photos = Counter(split for split, _ in kept)
    groups = Counter(entry.group for _, entry in kept)
    refused = Counter(each.reason for each in (*placed.piece.refused, *placed.refused))
    return {
        "rows": placed.piece.rows,
        "photos": {split: photos[split] for split in SPLITS},
        "refused": dict(sorted(refused.items())),
        "age_groups": dict(sorted(groups.items())),
    }
