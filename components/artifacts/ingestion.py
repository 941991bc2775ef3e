"""PhotoExampleGen's record of the rows of its label tables: two files in an Examples artifact.

`ingestion.json` has the counts; `refused.csv` lists each row without an example, and the reason.
"""

import csv
import dataclasses
import io
from collections.abc import Iterable

from pydantic import BaseModel, TypeAdapter

from customer_age.files import spreadsheet_cells, store
from customer_age.files.addresses import join
from customer_age.schema.refusals import Refusal
from customer_age.schema.split_deal import Deal

from . import json_file

FILE = "ingestion.json"
REFUSED_FILE = "refused.csv"
COLUMNS = [field.name for field in dataclasses.fields(Refusal)]
"""The columns of `refused.csv`."""

BASE = "base"
"""The name of the base set among the batches."""

_REFUSED = TypeAdapter(list[Refusal])


class BatchCounts(BaseModel):
    """The counts of one batch, or of the base set if there are batches.

    Attributes:
        rows: of its label table.
        photos: that the run uses, by split.
        refused: photos that the run does not use, by reason.
        age_groups: the photos by age group.
        new: whether this run ingested it; otherwise it came from the cache.
    """

    rows: int
    photos: dict[str, int]
    refused: dict[str, int]
    age_groups: dict[str, int]
    new: bool = False


class Ingestion(BaseModel):
    """The content of `ingestion.json`; fields that are not set are not written.

    Attributes:
        rows: of the label tables.
        photos: that can be used, by split.
        batches: the counts of the base set and of each batch; empty if there are no batches.
        seconds_ingesting: the part of `seconds` for new batches.
        seconds_assembling: the part of `seconds` for the run's examples from all batches.
        refused: photos that cannot be used, by reason.
        examples_of_refused: a sentence for the first few photos of each reason.
        seconds: duration of the ingestion.
        deal: the assignment of people to splits; None if an early release wrote the file.
    """

    rows: int
    photos: dict[str, int]
    batches: dict[str, BatchCounts] = {}
    seconds_ingesting: float | None = None
    seconds_assembling: float | None = None
    refused: dict[str, int]
    examples_of_refused: list[str] = []
    seconds: float
    deal: Deal | None = None


def write_ingestion(examples_uri: str, ingestion: Ingestion) -> None:
    """Write the counts of an `Examples` artifact.

    Raises:
        OSError: the file cannot be written.
    """
    json_file.write(examples_uri, FILE, ingestion.model_dump(exclude_unset=True))


def read_ingestion(examples_uri: str) -> Ingestion:
    """Read the counts of an `Examples` artifact.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged; the message is one line.
    """
    return json_file.read(examples_uri, FILE, Ingestion)


def write_refused(examples_uri: str, refused: Iterable[Refusal]) -> None:
    """Write the refused rows of an `Examples` artifact, sorted; formulas are escaped as text.

    Raises:
        OSError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for refusal in sorted(refused):
        writer.writerow(map(spreadsheet_cells.cell, dataclasses.astuple(refusal)))
    store.write_whole(join(examples_uri, REFUSED_FILE), text.getvalue().encode())


def read_refused(examples_uri: str) -> list[Refusal]:
    """Read the refused rows of an `Examples` artifact.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a row lacks a column; the message is one line.
    """
    uri = join(examples_uri, REFUSED_FILE)
    table = csv.DictReader(io.StringIO(store.read(uri).decode("utf-8"), newline=""))
    rows = [
        {
            name: spreadsheet_cells.text_of(text) if isinstance(text, str) else text
            for name, text in row.items()
        }
        for row in table
    ]
    with json_file.in_one_line(REFUSED_FILE):
        return _REFUSED.validate_python(rows)
