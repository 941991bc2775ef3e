"""Writes files of predictions, Parquet or CSV, to a disk or an object store."""

import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from customer_age.files import addresses, spreadsheet_cells, store

from .prediction_rows import COLUMNS, Prediction, values

FORMATS = ("parquet", "csv")

_SCHEMA = pa.schema(
    [
        pa.field(name, pa.float64() if name == "age" else pa.string(), nullable=name != "file_name")
        for name in COLUMNS
    ]
)


class RowWriter(Protocol):
    """Writes the rows of one file."""

    def write(self, rows: Sequence[Prediction]) -> None:
        """Append rows."""


@contextmanager
def create(path: str, scratch: str, file_format: str, version: str) -> Iterator[RowWriter]:
    """Write a file, which replaces an earlier file only when it is complete.

    Args:
        path: the file's path or URL.
        scratch: the folder in which it is written until it is complete.
        file_format: one of `FORMATS`.
        version: the model's version, for each row.
    """
    opened = _ParquetRows if file_format == "parquet" else _CsvRows
    with store.writing(path, scratch) as file, opened(file, version) as rows:
        yield rows


def join(paths: Sequence[str], path: str, scratch: str) -> None:
    """Write the rows of several files into one, in their order.

    Args:
        paths: one or more files of one format, which is their suffix.
        path: path or URL of the new file, which appears only when it is complete.
        scratch: the folder in which it is written until it is complete.
    """
    with store.writing(path, scratch) as file:
        if addresses.plain(paths[0]).endswith(".parquet"):
            with pq.ParquetWriter(file, _SCHEMA) as joined:
                for each in paths:
                    with store.open(each) as part:
                        for batch in pq.ParquetFile(part).iter_batches():
                            joined.write_table(pa.Table.from_batches([batch], _SCHEMA))
        else:
            for number, each in enumerate(paths):
                with store.open(each) as part:
                    header = part.readline()
                    if number == 0:
                        file.write(header)
                    shutil.copyfileobj(part, file)


class _ParquetRows:
    def __init__(self, file: Any, version: str) -> None:
        self._writer = pq.ParquetWriter(file, _SCHEMA)
        self._version = version
        self._rows: list[tuple] = []

    def write(self, rows: Sequence[Prediction]) -> None:
        self._rows += (values(row, self._version) for row in rows)

    def __enter__(self) -> "_ParquetRows":
        return self

    def __exit__(self, error_type: type | None, *_: object) -> None:
        # One row group is enough: a shard has at most some thousand short rows.
        if error_type is None:
            columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in COLUMNS)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))
        self._writer.close()


class _CsvRows:
    def __init__(self, file: Any, version: str) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._version = version

    def write(self, rows: Sequence[Prediction]) -> None:
        for row in rows:
            self._writer.writerow(map(spreadsheet_cells.cell, values(row, self._version)))

    def __enter__(self) -> "_CsvRows":
        return self

    def __exit__(self, *_: object) -> None:
        self._text.detach()  # the caller closes the file
