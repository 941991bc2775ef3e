"""Read label tables as people save them: comma, semicolon or tab, quoted, BOM, gzip, Parquet."""

import codecs
import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import BinaryIO, cast

from customer_age.errors import SettingsError
from customer_age.files import Folder

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")

_DELIMITERS = ",;\t"
_FIRST_LINE_LIMIT = 2**20


@dataclass(frozen=True)
class LabelTable:
    """One table of a data set.

    Attributes:
        folder: the data folder.
        name: the file's, in the data folder.
        columns: our name of a column to the table's own; what the table must have.
        optional: the same, of columns that it may have.
        split: the official split of all its photos, or None.
        photos: the sub-folder of its photos; empty for the data folder itself.
    """

    folder: Folder
    name: str
    columns: Mapping[str, str]
    optional: Mapping[str, str]
    split: str | None
    photos: str

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that the rows are read from."""
        return (self.name,)

    @property
    def path(self) -> str:
        """The full path or address of the file, for people."""
        return self.folder.shown(self.name)

    def fingerprint(self) -> str:
        """Changes with what the table says; 64 hexadecimal digits.

        Raises:
            SettingsError: it cannot be read.
        """
        try:
            with self.folder.open(self.name) as file:
                return digest_of(self.name, hashlib.sha256(file.read()).hexdigest())
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be read: {error}") from error

    def shown(self, text: str, person: str, stand_in: str) -> str:
        """A text of a row as it may be kept and told.

        Args:
            text: such as the photo's name.
            person: who is on the photo, in the table's words.
            stand_in: what to write where the text says who it is.
        """
        del person, stand_in
        return text

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Read the table, and what belongs to it; see `raw_rows`."""
        yield from self.raw_rows()

    def raw_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Read the table alone.

        Yields:
            The line where a row ends, 1 being the header's (for Parquet, counted as if it were
            such a file), and our column names with the row's stripped texts; an optional column
            that the table lacks is empty. Blank lines are no rows.

        Raises:
            SettingsError: the table cannot be read, or lacks a column.
        """
        if self.name.endswith(".parquet"):
            yield from self._parquet_rows()
        else:
            yield from self._text_rows()

    def without(self, lines: Set[int]) -> bytes:
        """The file's content without some of its rows; all else stays as it is written.

        Args:
            lines: where these rows end, as `rows` gives it.

        Raises:
            SettingsError: the table cannot be read.
        """
        try:
            with self.folder.open(self.name) as file:
                content = file.read()
            if self.name.endswith(".parquet"):
                return _parquet_without(content, lines)
            if self.name.endswith(".gz"):
                return gzip.compress(_text_without(gzip.decompress(content), lines), mtime=0)
            return _text_without(content, lines)
        except (OSError, EOFError, ValueError, csv.Error) as error:
            raise SettingsError(f"{self.path}: cannot be read: {error}") from error

    def _text_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        try:
            with self.folder.open(self.name) as content, _text(content, self.name) as file:
                header = file.readline(_FIRST_LINE_LIMIT)
                reader = csv.reader(_rejoined(header, file), delimiter=_delimiter(header))
                places = self._places(next(reader, []))
                for cells in reader:
                    if any(cell.strip() for cell in cells):
                        yield reader.line_num, _row(cells, places)
        except UnicodeDecodeError as error:
            raise SettingsError(
                f"{self.path}: not a text in UTF-8; save the table as CSV in UTF-8"
            ) from error
        except (OSError, EOFError, csv.Error) as error:
            raise SettingsError(f"{self.path}: cannot be read: {error}") from error

    def _parquet_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        import pandas as pd  # Slow, and most tables are text.

        try:
            with self.folder.open(self.name) as file:
                table = pd.read_parquet(io.BytesIO(file.read()))
        except Exception as error:  # Each of pandas' engines has errors of its own.
            first = str(error).partition("\n")[0]
            raise SettingsError(f"{self.path}: cannot be read as Parquet: {first}") from error
        places = self._places([str(column) for column in table.columns])
        texts = table.astype(object).where(table.notna(), "")
        for number, cells in enumerate(texts.itertuples(index=False, name=None)):
            yield number + 2, _row([str(cell) for cell in cells], places)

    def _places(self, header: Sequence[str]) -> dict[str, int | None]:
        there = [column.strip() for column in header]
        if not any(there):
            raise SettingsError(f"{self.path}: the table is empty")
        missing = [column for column in self.columns.values() if column not in there]
        if missing:
            raise SettingsError(
                f"{self.path}: no column {' and no column '.join(map(repr, missing))}; "
                f"there are: {_shown(there)}"
            )
        places: dict[str, int | None] = {
            ours: there.index(theirs) for ours, theirs in self.columns.items()
        }
        for ours, theirs in self.optional.items():
            if ours not in places:
                places[ours] = there.index(theirs) if theirs in there else None
        return places


def digest_of(*parts: str) -> str:
    """A SHA-256 of texts, in 64 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _text_without(content: bytes, lines: Set[int]) -> bytes:
    """Drop rows from a text, which may each take several lines."""
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    # As `_text` does it: lines are counted by any of the three line ends.
    text = list(io.StringIO(content.decode("utf-8-sig"), newline=""))
    reader = csv.reader(iter(text), delimiter=_delimiter(text[0] if text else ""))
    kept, start = [], 0
    for _ in reader:
        if reader.line_num not in lines:
            kept += text[start : reader.line_num]
        start = reader.line_num
    return mark + "".join(kept).encode()


def _parquet_without(content: bytes, lines: Set[int]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(pa.BufferReader(content))
    kept = [number for number in range(table.num_rows) if number + 2 not in lines]
    sink = pa.BufferOutputStream()
    parquet.write_table(table.take(pa.array(kept, pa.int64())), sink)
    return bytes(sink.getvalue())


def _text(content: BinaryIO, name: str) -> io.TextIOWrapper:
    if name.endswith(".gz"):
        content = cast(BinaryIO, gzip.GzipFile(fileobj=content, mode="rb"))
    return io.TextIOWrapper(content, encoding="utf-8-sig", newline="")


def _rejoined(header: str, file: io.TextIOBase) -> Iterator[str]:
    yield header
    yield from file


def _delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does."""
    return max(
        _DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), []))
    )


def _shown(columns: Sequence[str]) -> str:
    """Column names for a message: one line, even where the table is none."""
    names = ", ".join(" ".join(column.split())[:40] for column in columns[:20])
    return f"{names}, ..." if len(columns) > 20 else names


def _row(cells: Sequence[str], places: Mapping[str, int | None]) -> dict[str, str]:
    return {
        ours: cells[place].strip() if place is not None and place < len(cells) else ""
        for ours, place in places.items()
    }
