"""`refused.csv`: each row that gave no example, and why."""

import csv
import dataclasses
import io
from collections.abc import Iterable

import apache_beam as beam
from apache_beam.pvalue import PCollection

from customer_age.schema.refusals import Refusal

from . import tfrecord_shards

FILE = "refused.csv"
COLUMNS = [field.name for field in dataclasses.fields(Refusal)]


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
            | "Write" >> beam.Map(write, beam.pvalue.AsList(refused))
        )


def read(examples_uri: str) -> list[Refusal]:
    """Read the list of an `Examples` artifact."""
    text = tfrecord_shards.read(tfrecord_shards.join(examples_uri, FILE)).decode()
    return [
        Refusal(row["table"], int(row["line"]), row["file_name"], row["reason"], row["detail"])
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def write(examples_uri: str, refused: Iterable[Refusal]) -> None:
    """Write the list of an `Examples` artifact, sorted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(dataclasses.astuple(refusal) for refusal in sorted(refused))
    tfrecord_shards.write(tfrecord_shards.join(examples_uri, FILE), text.getvalue().encode())
