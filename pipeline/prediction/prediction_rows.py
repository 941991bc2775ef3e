"""Writes rows for users and programs: a table, CSV, or JSON lines, as soon as they are ready."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

from customer_age.files import spreadsheet_cells
from customer_age.schema.age_groups import AgeGroups

FORMATS = ("table", "csv", "jsonl")

COLUMNS = ("file_name", "age", "age_group", "reason", "detail", "version")
"""The columns of a row in CSV, JSON lines and Parquet."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A row with the prediction of one photo.

    Attributes:
        file_name: the requested name; bytes that are not text are replaced.
        age: in years, rounded to a tenth, 0 to 120; None if the photo was refused.
        age_group: the age group of this age; empty if the photo was refused.
        reason: one of `refusals.Reason`; empty if there is an age.
        detail: the reason in a sentence.
    """

    file_name: str
    age: float | None
    age_group: str = ""
    reason: str = ""
    detail: str = ""


Write = Callable[[Sequence[Prediction]], None]


def years(age: float) -> float:
    """Round an age to a tenth of a year."""
    return round(age, 1)


def values(row: Prediction, version: str) -> tuple[str | float | None, ...]:
    """Return the values of `COLUMNS`; None for each value that the row does not have."""
    age_group, reason, detail = (each or None for each in (row.age_group, row.reason, row.detail))
    return row.file_name, row.age, age_group, reason, detail, version


def writer(file_format: str, file: TextIO, version: str, groups: AgeGroups) -> Write:
    """Write the header, if the format has one, and return a function that writes rows.

    Args:
        file_format: one of `FORMATS`.
        file: the file to write; it is flushed after each batch, so that a reader need not wait.
        version: the model's version, which is in each row of CSV and JSON lines.
        groups: the age groups of the rows.

    Returns:
        A function that writes more rows.
    """
    if file_format == "table":
        line = _table_lines(file, groups)
    elif file_format == "csv":
        line = _csv_lines(file, version)
    else:
        line = _json_lines(file, version)

    def write(rows: Sequence[Prediction]) -> None:
        for row in rows:
            line(row)
        file.flush()

    return write


def _table_lines(file: TextIO, groups: AgeGroups) -> Callable[[Prediction], None]:
    """Return a function that writes a line; the name is last, so its width need not be known."""
    width = max(len(name) for name in (*groups.names, "group"))
    file.write(f"  age  {'group':{width}}  photo\n")

    def line(row: Prediction) -> None:
        name = _printable(row.file_name)
        if row.age is None:
            file.write(f"    -  {'-':{width}}  {name}: {_printable(row.detail)}\n")
        else:
            file.write(f"{row.age:5.1f}  {row.age_group:{width}}  {name}\n")

    return line


def _csv_lines(file: TextIO, version: str) -> Callable[[Prediction], None]:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    return lambda row: rows.writerow(map(spreadsheet_cells.cell, values(row, version)))


def _json_lines(file: TextIO, version: str) -> Callable[[Prediction], None]:
    def line(row: Prediction) -> None:
        content = dict(zip(COLUMNS, values(row, version), strict=True))
        file.write(json.dumps(content, ensure_ascii=False) + "\n")

    return line


def _printable(text: str) -> str:
    """Replace the control characters of a file's name, which could control the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
