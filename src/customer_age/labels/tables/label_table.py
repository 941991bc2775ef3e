"""Read label tables as people save them: comma, semicolon or tab, quoted, gzip, Parquet.

A row is given as it is written, or with what is wrong with it, or the table is refused.
"""

import contextlib
import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from customer_age.errors import SettingsError
from customer_age.files import Folder

from . import dialect, parquet_table, text_table
from .columns import Columns, find_columns
from .description import TableDescription
from .row_shapes import RowShapes


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
        with self._explained():
            return digest_of(self.name, hashlib.sha256(self._content()).hexdigest())

    def describe(self) -> TableDescription:
        """Report how the table is read; only its header is.

        Raises:
            SettingsError: it cannot be read, or lacks a column.
        """
        if self._is_parquet():
            table = self._parquet()
            columns = self._columns(table.columns)
            types, written = table.types, ("", "")
        else:
            with self._explained(), self._text() as (text, encoding):
                known = dialect.read_dialect(text, self.path)
                columns = self._columns(next(text_table.records(text, known, self.path)).cells)
            types, written = [""] * len(columns.there), (encoding, known.delimiter)
        return TableDescription(
            name=self.name,
            kind="parquet" if self._is_parquet() else "text",
            encoding=written[0],
            delimiter=written[1],
            compressed=self._is_compressed(),
            columns=tuple(zip(columns.there, types, strict=True)),
            read={ours: columns.there[place] for ours, place in columns.present()},
            absent=tuple(
                columns.theirs[ours] for ours, place in columns.places.items() if place is None
            ),
        )

    def descriptions(self) -> list[TableDescription]:
        """Report how each table that the rows are read from is read.

        Raises:
            SettingsError: one cannot be read, or lacks a column.
        """
        return [self.describe()]

    def shown(self, text: str, person: str, stand_in: str) -> str:
        """A text of a row as it may be kept and shown.

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
            The line where a row ends, 1 being the file's first (for Parquet, counted as if a
            header stood there), and our column names with the row's stripped texts; an optional
            column that the table lacks is empty. Blank lines are no rows. A row that is not as the
            header says has a `problem` (a `Reason`) and a `detail` (a sentence) besides, and no
            texts, but for the `file_name` where the table does not say who is on a photo.

        Raises:
            SettingsError: the table cannot be read, lacks a column, or most rows are not as the
                header says.
        """
        if self._is_parquet():
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
        with self._explained():
            content = self._content()
            if self._is_parquet():
                return parquet_table.without(content, {line - 2 for line in lines})
            if self._is_compressed():
                plain = _text_without(gzip.decompress(content), lines, self.path)
                return gzip.compress(plain, mtime=0)
            return _text_without(content, lines, self.path)

    def _text_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        with self._explained(), self._text() as (text, _):
            known = dialect.read_dialect(text, self.path)
            found = text_table.records(text, known, self.path)
            header = next(found)
            if header.problem:
                raise SettingsError(f"{self.path}: line {header.line}: {header.problem}")
            yield from RowShapes(self._columns(header.cells), known, self.path).rows(found)

    def _parquet_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        table = self._parquet()
        columns = self._columns(table.columns)
        present = columns.present()
        names = [ours for ours, _ in present]
        absent = {ours: "" for ours, place in columns.places.items() if place is None}
        for number, texts in enumerate(
            table.rows([place for _, place in present], columns.numbers())
        ):
            yield number + 2, {**dict(zip(names, texts, strict=True)), **absent}

    def _columns(self, header: list[str]) -> Columns:
        return find_columns(header, self.columns, self.optional, self.path)

    def _parquet(self) -> parquet_table.ParquetTable:
        with self._explained():
            return parquet_table.ParquetTable(self._content(), self.path)

    @contextlib.contextmanager
    def _text(self) -> Iterator[tuple[io.TextIOWrapper, str]]:
        with self.folder.open(self.name) as content:
            text, encoding = dialect.open_text(content, self._is_compressed())
            with text:
                yield text, encoding

    def _content(self) -> bytes:
        with self.folder.open(self.name) as file:
            return file.read()

    def _is_parquet(self) -> bool:
        return self.name.lower().endswith(".parquet")

    def _is_compressed(self) -> bool:
        return self.name.lower().endswith(".gz")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what may go wrong with a file into one line."""
        try:
            yield
        except UnicodeDecodeError as error:
            encoding = error.encoding.upper().removesuffix("-LE").removesuffix("-BE")
            raise SettingsError(
                f"{self.path}: not a text in {encoding}; save the table as CSV in UTF-8"
            ) from error
        except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
            raise SettingsError(f"{self.path}: cannot be read: {error}") from error


def digest_of(*parts: str) -> str:
    """A SHA-256 of texts, in 64 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _text_without(content: bytes, lines: Set[int], path: str) -> bytes:
    """Drop rows from a text, which may each take several lines."""
    codec, mark = dialect.codec_and_mark(content)
    # As `open_text` does it: lines are counted by any of the three line ends.
    text = io.StringIO(dialect.decoded(content), newline="")
    all_lines = list(text)
    text.seek(0)
    known = dialect.read_dialect(text, path)
    kept, start = all_lines[: known.header_line - 1], known.header_line - 1
    for record in text_table.records(text, known, path):
        if record.line not in lines:
            kept += all_lines[start : record.line]
        start = record.line
    return mark + "".join(kept).encode(codec)
