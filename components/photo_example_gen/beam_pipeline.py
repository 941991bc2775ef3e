"""The Beam pipeline from a data set to sharded examples and a list of refusals.

Only rows travel between workers. A photo is read, decoded, encoded and written in one place, so
the memory that a worker needs does not grow with the number of photos.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from customer_age.labels import DataSet, LabelRow, age_of
from customer_age.photos import MAX_FILE_BYTES, too_large
from customer_age.schema.age_groups import AgeGroups
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import PhotoRefused, Reason, Refusal

from ..artifacts.ingestion import write_refused
from . import deduplication, examples, tfrecord_shards
from .batch_cache import index
from .deduplication import GOOD, REFUSED
from .examples import IngestionSettings, PhotoExample

NAMESPACE = "customer_age.photo_example_gen"
"""Of the Beam counters: `rows`, `photos/<split>` and `refused/<reason>`."""
ROWS = "rows"
PHOTOS = "photos/"
REFUSED_PREFIX = "refused/"

ROWS_PER_SHARD = 256
MAX_SHARDS = 1024


def shard_count(row_count: int) -> int:
    """How many shards a data set of so many rows is written in, at most, for each split."""
    return min(MAX_SHARDS, max(1, round(row_count / ROWS_PER_SHARD)))


def ingest(
    pipeline: beam.Pipeline,
    data_set: DataSet,
    settings: IngestionSettings,
    examples_uri: str,
    label: str = "",
) -> None:
    """Add the whole ingestion to a pipeline.

    Args:
        pipeline: a Beam pipeline, not yet run.
        data_set: what is read.
        settings: how a photo becomes an example.
        examples_uri: the root of the `Examples` artifact, or of a cached batch; gets a folder
            `Split-<name>` for each split, and `refused.csv`.
        label: of the step, for a batch that goes into the cache: a name of its own in the
            pipeline. An index of its examples is then written. Empty where the examples are a
            run's.
    """
    pipeline | (label or "Ingest") >> Ingest(data_set, settings, examples_uri, bool(label))


class Ingest(beam.PTransform):
    """From a data set to shards and a list of refusals."""

    def __init__(
        self, data_set: DataSet, settings: IngestionSettings, examples_uri: str, indexed: bool
    ) -> None:
        super().__init__()
        self._data_set = data_set
        self._settings = settings
        self._uri = examples_uri
        self._indexed = indexed

    def expand(self, begin: beam.pvalue.PBegin) -> PCollection:
        """Give what `WriteRefused` gives."""
        shards_each = shard_count(self._data_set.row_count)
        rows = (
            begin
            | "DataSet" >> beam.Create([self._data_set])
            | "ReadTables" >> beam.FlatMap(_rows).with_output_types(LabelRow)
            | "CheckRows" >> beam.ParDo(CheckRow()).with_outputs(REFUSED, main=GOOD)
        )
        photos = rows[GOOD] | "OneRowPerPhoto" >> deduplication.OneRowPerPhoto()
        write = WriteShard(self._uri, shards_each, self._settings, self._indexed)
        written = (
            photos[GOOD]
            | "Shard" >> beam.Map(_sharded, shards_each).with_output_types(tuple[int, LabelRow])
            | "GroupByShard" >> beam.GroupByKey()
            | "WriteShards" >> beam.ParDo(write)
        )
        return (
            (rows[REFUSED], photos[REFUSED], written)
            | "AllRefused" >> beam.Flatten()
            | "CountRefused" >> beam.Map(_counted)
            | "ListRefused" >> WriteRefused(self._uri)
        )


class CheckRow(beam.DoFn):
    """Lets pass the rows whose age is one, and whose photo lies where it should."""

    def process(self, row: LabelRow) -> Iterator[Any]:
        """Yield the row, or its refusal to the output `refused`."""
        try:
            if row.age or row.problem is None:
                age_of(row.age)
            if row.problem is not None:
                raise PhotoRefused(row.problem, row.detail)
            if row.split is not None and row.split not in SPLITS:
                raise PhotoRefused(
                    Reason.SPLIT_UNKNOWN, f"split {row.split!r} is none of {', '.join(SPLITS)}"
                )
            if not row.byte_size:
                raise PhotoRefused(Reason.FILE_EMPTY, "the file is empty")
            if row.byte_size > MAX_FILE_BYTES:
                raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(row.byte_size))
        except PhotoRefused as refused:
            yield TaggedOutput(REFUSED, row.refusal(refused.reason, refused.detail))
        else:
            yield row


class WriteShard(beam.DoFn):
    """Reads, shrinks and writes the photos of a shard, one after another."""

    def __init__(
        self, examples_uri: str, shard_count: int, settings: IngestionSettings, indexed: bool
    ) -> None:
        self._uri = examples_uri
        self._shard_count = shard_count
        self._settings = settings
        self._indexed = indexed

    def process(self, sharded: tuple[int, Iterable[LabelRow]]) -> Iterator[Refusal]:
        """Write the shard, and its index where one is kept; yield what of it was refused."""
        shard, rows = sharded
        written: Counter[str] = Counter()
        refused, entries = [], []
        with tfrecord_shards.ShardWriter(self._uri, shard, self._shard_count) as writer:
            # In order, so that the same data give the same files whatever the workers do.
            for row in sorted(rows, key=lambda row: (row.photo, row.table)):
                try:
                    example = examples.make(row, self._settings)
                except PhotoRefused as error:
                    refused.append(row.refusal(error.reason, error.detail))
                else:
                    writer.write(example.split, example.serialized)
                    written[example.split] += 1
                    if self._indexed:
                        entries.append(index_entry(row, example, shard, self._settings.groups))
        if entries:
            index.write(self._uri, shard, entries)
        for split, count in written.items():
            Metrics.counter(NAMESPACE, f"{PHOTOS}{split}").inc(count)
        yield from refused


class WriteRefused(beam.PTransform):
    """Writes `refused.csv`, sorted by table and line; with its header alone where all is well."""

    def __init__(self, examples_uri: str) -> None:
        super().__init__()
        self._uri = examples_uri

    def expand(self, refused: PCollection[Refusal]) -> PCollection:
        """Give what `beam.Map` gives for a step that only writes."""
        # A side input, not a group: it is there, empty, when nothing was refused.
        return (
            refused.pipeline
            | "Once" >> beam.Create([self._uri])
            | "Write" >> beam.Map(write_refused, beam.pvalue.AsList(refused))
        )


def index_entry(row: LabelRow, example: PhotoExample, shard: int, groups: AgeGroups) -> index.Entry:
    """What the index says of an example."""
    age = age_of(row.age)
    return index.Entry(
        shard=shard,
        split=example.split,
        person=row.person,
        content=example.content,
        age=age,
        group=groups.of(age),
        batch=row.batch,
        captured=row.captured,
        table=row.table,
        line=row.line,
        file_name=row.file_name,
    )


def _rows(data_set: DataSet) -> Iterator[LabelRow]:
    rows = Metrics.counter(NAMESPACE, ROWS)
    for row in data_set.rows():
        rows.inc()
        yield row


def _sharded(row: LabelRow, shard_count: int) -> tuple[int, LabelRow]:
    digest = hashlib.sha256(row.photo.rpartition("/")[2].encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard_count, row


def _counted(refusal: Refusal) -> Refusal:
    Metrics.counter(NAMESPACE, f"{REFUSED_PREFIX}{refusal.reason}").inc()
    return refusal
