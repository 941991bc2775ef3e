"""Predicts ages of millions of photos with Beam: each shard becomes a file of predictions.

Only names are sent between workers. One worker reads and prepares a photo and predicts its age, so
the memory of a worker does not grow with the number of photos.
"""

import itertools
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
from apache_beam.utils.shared import Shared

from customer_age.components.beam_elsewhere.portable_runner import WatchedJob
from customer_age.errors import RunError
from customer_age.files import addresses, store
from customer_age.model_registry import open_registry
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.age_groups import AgeGroups

from . import model_cache, photo_sources, shard_files
from .age_model import AgeModel
from .photo_sources import PhotoFile, PhotoSource
from .predictor import BATCH_SIZE, Predictor

PHOTOS = "photos"
REFUSED_PREFIX = "refused/"
"""Prefix of the reasons; the photos of each reason are counted, in addition to all `photos`."""

PHOTOS_PER_SHARD = 256
MAX_SHARDS = 1024

# All threads of a process share one model.
_PREDICTOR = Shared()


@dataclass(frozen=True)
class PublishedModel:
    """Where each worker finds the model.

    Attributes:
        registry_uri: URI of the registry.
        model_name: the model's name in the registry.
        version: the version's number.
        fingerprint: see `model_cache.fetch`.
        cache: see `model_cache.fetch`; a worker on another machine uses its temporary folder.
    """

    registry_uri: str
    model_name: str
    version: str
    fingerprint: str | None
    cache: str

    def load(self) -> AgeModel:
        """Fetch the model, if this machine does not have it yet, and load it."""
        registry = open_registry(self.registry_uri, self.model_name)
        cache = Path(self.cache)
        if not cache.is_dir():
            cache = Path(tempfile.gettempdir()) / "customer-age-models"
        return AgeModel(model_cache.fetch(registry, self.version, self.fingerprint, cache))


@dataclass(frozen=True)
class ScoringJob:
    """The workers' job.

    Attributes:
        model: the model that predicts the ages.
        photo_spec: how its photos are prepared.
        face_crops: see `PhotoSource.files`.
        groups: the age groups of the predictions.
        folder: path or URL of the folder for the files of predictions.
        file_format: `parquet` or `csv`.
    """

    model: PublishedModel
    photo_spec: PhotoSpec
    face_crops: bool
    groups: AgeGroups
    folder: str
    file_format: str

    def path(self, shard: int, shard_count: int) -> str:
        """Return the path or URL of a shard's file."""
        name = f"predictions-{shard:05d}-of-{shard_count:05d}.{self.file_format}"
        return addresses.join(self.folder, name)

    def predictor(self) -> Predictor:
        """Return the predictor, one for all threads of a process."""
        tag = repr((self.model, self.photo_spec, self.groups))
        return _PREDICTOR.acquire(self._load, tag=tag)

    def _load(self) -> Predictor:
        return Predictor(self.model.load(), self.photo_spec, self.groups)

    @property
    def scratch(self) -> str:
        """The folder in which files are written until they are complete."""
        return addresses.join(self.folder, "unfinished")

    @property
    def counts(self) -> str:
        """The file that contains the counts of photos."""
        return addresses.join(self.scratch, "counts.json")

    def progress(self) -> list[tuple[str, int]]:
        """Return the names and sizes (bytes) of the files, which change after each shard."""
        return [(entry.name, entry.byte_size) for entry in store.list(self.folder)]


@dataclass(frozen=True)
class ScoringResult:
    """The result of a job.

    Attributes:
        photos: the number of photos.
        refused: each reason, and how many photos have no age for it.
        paths: the files of predictions; in this order they have a row for each photo, in the order
            of the sources.
        left_out: how many files in the folders are not photos, by their suffixes.
    """

    photos: int
    refused: dict[str, int]
    paths: list[str]
    left_out: Counter[str]


def score_photos(
    sources: Sequence[PhotoSource], job: ScoringJob, beam_args: Sequence[str]
) -> ScoringResult:
    """Predict the age of each photo of the sources.

    Args:
        sources: the result of `photo_sources.find`.
        job: the workers' job.
        beam_args: Beam options, such as `beam_runners.options` returns.

    Raises:
        RunError: the number of rows differs from the number of photos.
    """
    # Load the model here before a worker does: an error of the model is raised unchanged.
    job.predictor()
    left_out: Counter[str] = Counter()
    photos = sum(1 for _ in photo_sources.files(sources, job.face_crops, left_out))
    per_shard = math.ceil(photos / min(MAX_SHARDS, max(1, round(photos / PHOTOS_PER_SHARD))))
    shard_count = math.ceil(photos / per_shard)
    pipeline = beam.Pipeline(argv=list(beam_args))
    _ = (
        pipeline
        | "Sources" >> beam.Create([list(sources)])
        | "ListPhotos" >> beam.FlatMap(_shards, per_shard, job.face_crops)
        | "Spread" >> beam.Reshuffle()
        | "ScoreShards" >> beam.ParDo(ScoreShard(job, shard_count))
        # Counts are data, which count each shard once even if it is retried; Beam's own counters
        # count each try. Also, a runner that reads a worker's output notices its death at once.
        | "Count" >> beam.CombinePerKey(sum)
        | "Counts" >> beam.combiners.ToDict()
        | "WriteCounts" >> beam.Map(_write_counts, job.counts)
    )
    running = pipeline.run()
    if isinstance(running, WatchedJob):
        running.progress = job.progress
    running.wait_until_finish()
    counts = Counter(json.loads(store.read(job.counts)))
    store.delete(job.scratch, folder=True)  # files of stopped or repeated attempts
    if counts[PHOTOS] != photos:
        raise RunError(f"scoring wrote {counts[PHOTOS]} rows for {photos} photos; run it again")
    refused = {
        name.removeprefix(REFUSED_PREFIX): count
        for name, count in sorted(counts.items())
        if name.startswith(REFUSED_PREFIX)
    }
    paths = [job.path(shard, shard_count) for shard in range(shard_count)]
    return ScoringResult(photos, refused, paths, left_out)


class ScoreShard(beam.DoFn):
    """Predicts the ages of a shard's photos, batch by batch, and writes the shard's file."""

    def __init__(self, job: ScoringJob, shard_count: int) -> None:
        self._job = job
        self._shard_count = shard_count

    def setup(self) -> None:
        """Load the model, unless this process has loaded it."""
        self._predictor = self._job.predictor()

    def process(self, shard: tuple[int, list[PhotoFile]]) -> Iterator[tuple[str, int]]:
        """Write the file, which a repeated attempt replaces; yield the counts."""
        number, files = shard
        counts: Counter[str] = Counter()
        path = self._job.path(number, self._shard_count)
        with shard_files.create(
            path, self._job.scratch, self._job.file_format, self._job.model.version
        ) as rows:
            for batch in _batches(iter(files), BATCH_SIZE):
                predictions = self._predictor.predict_batch(batch)
                rows.write(predictions)
                counts[PHOTOS] += len(predictions)
                counts.update(f"{REFUSED_PREFIX}{row.reason}" for row in predictions if row.reason)
        yield from counts.items()


def _shards(
    sources: Sequence[PhotoSource], per_shard: int, face_crops: bool
) -> Iterator[tuple[int, list[PhotoFile]]]:
    yield from enumerate(_batches(photo_sources.files(sources, face_crops), per_shard))


def _batches(files: Iterator[PhotoFile], size: int) -> Iterator[list[PhotoFile]]:
    while batch := list(itertools.islice(files, size)):
        yield batch


def _write_counts(counts: Mapping[str, int], path: str) -> None:
    store.write_whole(path, json.dumps(counts).encode())
