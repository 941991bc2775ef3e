"""Ingestion of the base set and of batches, each once, into a cache.

A run's examples are put together from there. So the cost of a run's ingestion grows with what is
new, not with all there is.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from customer_age.files import store
from customer_age.labels import DataSet, pseudonyms
from customer_age.labels.data_set import fingerprints
from customer_age.labels.tables import digest_of
from customer_age.schema.features import SPLITS

from ..artifacts.ingestion import BASE, write_refused
from . import beam_pipeline, tfrecord_shards
from .batch_cache import BatchCache, CachedBatch, assembly
from .examples import IngestionSettings

RunPipeline = Callable[[int, Callable[[beam.Pipeline], None]], Any]
"""Runs a Beam pipeline for so many rows, once a function has added its steps."""


@dataclass(frozen=True)
class BatchIngestion:
    """Ingests the base set and batches, of which the cache may have some already.

    Attributes:
        data_sets: the base set, then the batches.
        settings: how a photo becomes an example.
        recipe: all else that decides what becomes of a data set, as text: the code above all.
    """

    data_sets: Sequence[DataSet]
    settings: IngestionSettings
    recipe: str

    def ingest(self, cache: BatchCache, run: RunPipeline, examples_uri: str) -> dict[str, Any]:
        """Ingest what is new, and write all of a run's examples.

        Args:
            cache: of batches.
            run: runs Beam.
            examples_uri: the root of the `Examples` artifact; gets a folder for each split, and
                `refused.csv`.

        Returns:
            `rows`, `photos` by split, and `batches` with the same of each.

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
            number: batch
            for number, (key, data_set) in enumerate(zip(keys, self.data_sets, strict=True))
            if (batch := cache.find(key, data_set.batch)) is not None
        }
        batches = self._ingested(cache, run, keys, known)
        ingested = time.monotonic()
        placements = assembly.place(batches, self.data_sets[0].forgotten)
        assembly.write(placements, examples_uri)
        tfrecord_shards.remove_unfinished(examples_uri)
        write_refused(
            examples_uri,
            [each for one in placements for each in (*one.batch.refused, *one.refused)],
        )
        counts = {
            one.batch.name or BASE: one.counts(new=number not in known)
            for number, one in enumerate(placements)
        }
        photos: Counter[str] = Counter()
        for of_batch in counts.values():
            photos.update(of_batch.photos)
        return {
            "rows": sum(batch.rows for batch in batches),
            "photos": {split: photos[split] for split in SPLITS},
            "batches": counts,
            "seconds_ingesting": round(ingested - started, 2),
            "seconds_assembling": round(time.monotonic() - ingested, 2),
        }

    def _ingested(
        self,
        cache: BatchCache,
        run: RunPipeline,
        keys: Sequence[str],
        known: Mapping[int, CachedBatch],
    ) -> list[CachedBatch]:
        """All batches; those that are new come out of one Beam pipeline."""
        batches = dict(known)
        attempts = {
            number: cache.attempt(key) for number, key in enumerate(keys) if number not in known
        }

        def add_steps(pipeline: beam.Pipeline) -> None:
            for number, attempt in attempts.items():
                data_set = self.data_sets[number]
                label = f"Batch {data_set.batch}" if data_set.batch else "Base"
                beam_pipeline.ingest(pipeline, data_set, self.settings, attempt, label)

        try:
            if attempts:
                run(sum(self.data_sets[number].row_count for number in attempts), add_steps)
        except BaseException:
            for attempt in attempts.values():  # nobody else knows of them
                store.delete(attempt, folder=True)
            raise
        for number, attempt in attempts.items():
            data_set = self.data_sets[number]
            count = beam_pipeline.shard_count(data_set.row_count)
            batches[number] = cache.commit(keys[number], attempt, data_set, count)
        return [batches[number] for number in range(len(self.data_sets))]

    def _key(self, data_set: DataSet, fingerprint: str) -> str:
        """What the batch of a data set is kept under: changes with all that decides about it."""
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
