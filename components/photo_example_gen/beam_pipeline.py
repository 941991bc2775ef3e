"""The Beam pipeline from rows of label tables to sharded examples and a list of refusals.

Only rows are sent between workers. One worker reads, decodes, encodes and writes a photo, so the
memory that a worker needs does not grow with the number of photos.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from customer_age.files import addresses
from customer_age.labels import LabelRow, age_of
from customer_age.schema import age_groups
from customer_age.schema.age_groups import AgeGroups
from customer_age.schema.refusals import PhotoRefused, Refusal

from ..artifacts.ingestion import write_refused
from . import examples, row_checks, row_files, tfrecord_shards
from .batch_cache import index
from .examples import PhotoExample
from .spec import IngestionSpec

GOOD = "good"
REFUSED = "refused"

ROWS_PER_SHARD = 256
MAX_SHARDS = 1024


def shard_count(row_count: int) -> int:
    """Return the maximum number of shards per split for a data set with this number of rows."""
    return min(MAX_SHARDS, max(1, round(row_count / ROWS_PER_SHARD)))


class Ingest(beam.PTransform):
    """Turns files of rows into an attempt at a cached batch: shards, their index, refusals."""

    def __init__(
        self, batch: str, row_count: int, file_count: int, spec: IngestionSpec, attempt: str
    ) -> None:
        """Construct the transform.

        Args:
            batch: its name in the inbox; empty for the base set.
            row_count: of the label tables.
            file_count: number of `row_files` of the attempt.
            spec: how a row becomes an example.
            attempt: URI of a folder; gets a folder `Split-<name>` for each split, an index of
                its examples, and `refused.csv`.
        """
        super().__init__()
        self._batch = batch
        self._shards_each = shard_count(row_count)
        self._file_count = file_count
        self._spec = spec.without_places()
        self._attempt = attempt

    def default_label(self) -> str:
        """Return the step's label, with the batch's name: one pipeline may ingest several."""
        return f"Batch {self._batch}" if self._batch else "DataSet"

    def expand(self, begin: beam.pvalue.PBegin) -> PCollection:
        """Add the steps; return the output of `WriteRefused`."""
        rows = (
            begin
            | "RowFiles" >> beam.Create(range(self._file_count))
            | "ReadRows" >> beam.FlatMap(row_files.read, self._attempt).with_output_types(LabelRow)
            | "CheckRows" >> beam.ParDo(CheckRow()).with_outputs(REFUSED, main=GOOD)
        )
        write = WriteShard(self._attempt, self._shards_each, self._spec)
        written = (
            rows[GOOD]
            | "Shard"
            >> beam.Map(_sharded, self._shards_each).with_output_types(tuple[int, LabelRow])
            | "GroupByShard" >> beam.GroupByKey()
            | "WriteShards" >> beam.ParDo(write)
        )
        return (
            (rows[REFUSED], written)
            | "AllRefused" >> beam.Flatten()
            | "ListRefused" >> WriteRefused(self._attempt)
        )


class CheckRow(beam.DoFn):
    """Passes rows with a valid age and an existing photo."""

    def process(self, row: LabelRow) -> Iterator[Any]:
        """Yield the row, or its refusal to the output `refused`."""
        try:
            row_checks.require_usable(row)
        except PhotoRefused as refused:
            yield TaggedOutput(REFUSED, row.refusal(refused.reason, refused.detail))
        else:
            yield row


class WriteShard(beam.DoFn):
    """Reads, scales down and writes the photos of a shard, one after another."""

    def __init__(self, attempt: str, shard_count: int, spec: IngestionSpec) -> None:
        self._attempt = attempt
        self._shard_count = shard_count
        self._spec = spec
        self._groups = age_groups.parse(spec.age_groups)

    def process(self, sharded: tuple[int, Iterable[LabelRow]]) -> Iterator[Refusal]:
        """Write the shard and its index; yield its refusals."""
        shard, rows = sharded
        refused, entries = [], []
        with tfrecord_shards.ShardWriter(self._attempt, shard, self._shard_count) as writer:
            # Sorted, so that the same data give the same files for any number of workers.
            for row in sorted(rows, key=_place):
                try:
                    example = examples.make(row, self._spec, self._groups)
                except PhotoRefused as error:
                    refused.append(row.refusal(error.reason, error.detail))
                else:
                    writer.write(example.split, example.serialized)
                    entries.append(index_entry(row, example, shard, self._groups))
        if entries:
            index.write(self._attempt, shard, entries)
        yield from refused


class WriteRefused(beam.PTransform):
    """Writes `refused.csv`, sorted by table and line; only the header if nothing was refused."""

    def __init__(self, examples_uri: str) -> None:
        super().__init__()
        self._uri = examples_uri

    def expand(self, refused: PCollection[Refusal]) -> PCollection:
        """Add the steps; return the output of the last one, which only writes."""
        # A side input, not a group: it exists, but is empty, if nothing was refused.
        return (
            refused.pipeline
            | "Once" >> beam.Create([self._uri])
            | "Write" >> beam.Map(write_refused, beam.pvalue.AsList(refused))
        )


def index_entry(row: LabelRow, example: PhotoExample, shard: int, groups: AgeGroups) -> index.Entry:
    """Return the index entry of an example."""
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


def _place(row: LabelRow) -> tuple[str, str, int]:
    """Return a sort key of rows, without an address's options, which would change the order."""
    return addresses.plain(row.photo), row.table, row.line


def _sharded(row: LabelRow, shard_count: int) -> tuple[int, LabelRow]:
    digest = hashlib.sha256(addresses.split(row.photo)[1].encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard_count, row
