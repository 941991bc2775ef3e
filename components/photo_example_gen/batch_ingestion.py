"""Ingestion of the data set and of batches, each once, into a cache.

A run's examples are assembled from the cache, in which the data set is one more batch. So the cost
of a run's ingestion grows with the new photos, not with all photos.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from customer_age.files import addresses, store
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import DataSet, pseudonyms
from customer_age.labels.data_set import fingerprints
from customer_age.labels.deal import deal_of
from customer_age.labels.tables import digest_of
from customer_age.schema.features import SPLITS

from ..artifacts.ingestion import BASE, write_refused
from . import beam_pipeline, row_files, tfrecord_shards
from .batch_cache import BatchCache, CachedBatch, assembly
from .spec import IngestionSpec

_log = logging.getLogger(__name__)

RunPipeline = Callable[[int, Callable[[beam.Pipeline], None]], Any]
"""Runs a Beam pipeline for a number of rows, after a function has added its steps."""


@dataclass(frozen=True)
class BatchIngestion:
    """Ingests the data set and the batches that are not in the cache yet.

    Attributes:
        data_sets: the data set, then the batches.
        spec: how a row becomes an example.
        code: the fingerprint of the code.
        cache: of batches.
        run: runs Beam.
    """

    data_sets: Sequence[DataSet]
    spec: IngestionSpec
    code: str
    cache: BatchCache
    run: RunPipeline

    def ingest(self, examples_uri: str) -> dict[str, Any]:
        """Ingest new batches, and write all examples of a run.

        Args:
            examples_uri: the root of the `Examples` artifact; gets a folder for each split, and
                `refused.csv`.

        Returns:
            `rows`, `photos` by split, the `deal` and, if there are batches, `batches` with the
            counts of each.

        Raises:
            RunError: rows were lost during ingestion.
            OSError: a file cannot be read or written.
        """
        keys = self._keys()
        self.cache.use(keys)
        try:
            return self._ingest(keys, examples_uri)
        except FileNotFoundError as error:
            # Anybody may delete a batch from the cache at any time.
            _log.warning("Ingesting again: %s was deleted from the batch cache.", error.filename)
            self.cache.discard_damaged(keys)
            store.delete(examples_uri, folder=True)
            return self._ingest(keys, examples_uri)

    def _ingest(self, keys: Sequence[str], examples_uri: str) -> dict[str, Any]:
        started = time.monotonic()
        known = {
            number: batch
            for number, (key, data_set) in enumerate(zip(keys, self.data_sets, strict=True))
            if (batch := self.cache.find(key, data_set.batch)) is not None
        }
        batches = self._ingested(keys, known)
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
        counted = {
            "rows": sum(batch.rows for batch in batches),
            "deal": deal_of(self.data_sets, self.spec),
            "photos": {split: photos[split] for split in SPLITS},
            "seconds_ingesting": round(ingested - started, 2),
            "seconds_assembling": round(time.monotonic() - ingested, 2),
        }
        return {**counted, "batches": counts} if len(counts) > 1 else counted

    def _ingested(self, keys: Sequence[str], known: Mapping[int, CachedBatch]) -> list[CachedBatch]:
        """Return all batches; one Beam pipeline ingests the new ones."""
        batches = dict(known)
        attempts = {
            number: self.cache.attempt(key)
            for number, key in enumerate(keys)
            if number not in known
        }

        try:
            if attempts:
                self._run(attempts)
        except BaseException:
            for attempt in attempts.values():  # nobody else uses them
                store.delete(attempt, folder=True)
            raise
        for number, attempt in attempts.items():
            data_set = self.data_sets[number]
            count = beam_pipeline.shard_count(data_set.row_count)
            batches[number] = self.cache.commit(keys[number], attempt, data_set, count)
        return [batches[number] for number in range(len(self.data_sets))]

    def _run(self, attempts: Mapping[int, str]) -> None:
        """Write the rows of data sets to files, and ingest them with Beam."""
        data_sets = {number: self.data_sets[number] for number in attempts}
        at_once = max(addresses.at_once(each.folder.path("")) for each in data_sets.values())
        with ThreadPoolExecutor(at_once) as pool:
            written = pool.map(
                lambda number: row_files.write(attempts[number], data_sets[number].rows()),
                attempts,
            )
            file_counts = dict(zip(attempts, written, strict=True))

        def add_steps(pipeline: beam.Pipeline) -> None:
            for number, data_set in data_sets.items():
                pipeline | beam_pipeline.Ingest(
                    data_set.batch,
                    data_set.row_count,
                    file_counts[number],
                    self.spec,
                    attempts[number],
                )

        self.run(sum(each.row_count for each in data_sets.values()), add_steps)

    def _keys(self) -> list[str]:
        """Return each batch's cache key, which changes with all that decides about the batch."""
        if not self.spec.batch_cache:  # nothing is kept, so no photo needs to be hashed
            return [str(number) for number in range(len(self.data_sets))]
        found = fingerprints(self.data_sets, ContentDigests(self.spec.batch_cache))
        return [
            self._key(data_set, fingerprint)
            for data_set, fingerprint in zip(self.data_sets, found, strict=True)
        ]

    def _key(self, data_set: DataSet, fingerprint: str) -> str:
        return digest_of(
            fingerprint,
            data_set.batch,
            pseudonyms.fingerprint(data_set.person_key) if data_set.has_persons else "",
            self.spec.recipe(),
            self.code,
        )[:32]
