"""Read label tables as people save them: comma, semicolon or tab, quoted, gzip, Parquet.

Each row is returned as it is written, or with its problem; a table that cannot be read is refused.
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
        name: of the file in the data folder.
        columns: our name of each required column to the table's name.
        optional: our name of each optional column to the table's name.
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
        """The names of all files from which the rows are read."""
        return (self.name,)

    @property
    def path(self) -> str:
        """The full path or address of the file, for people."""
        return self.folder.shown(self.name)

    def fingerprint(self) -> str:
        """Return 64 hexadecimal digits that change with the table's content.

        Raises:
            SettingsError: it cannot be read.
        """
        with self._explained():
            return digest_of(self.name, hashlib.sha256(self._content()).hexdigest())

    def describe(self) -> TableDescription:
        """Describe how the table is read, from its header only.

        Raises:
            SettingsError: it cannot be read, or a column is missing.
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
        """Describe how each table of the rows is read.

        Raises:
            SettingsError: a table cannot be read, or a column is missing.
        """
        return [self.describe()]

    def shown(self, text: str, person: str, stand_in: str) -> str:
        """Return a text of a row in the form in which it may be stored and shown.

        Args:
            text: for example the photo's name.
            person: the person on the photo, as written in the table.
            stand_in: the replacement for the person in the text.
        """
        del person, stand_in
        return text

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Read the table and the tables that belong to it; see `raw_rows`."""
        yield from self.raw_rows()

    def raw_rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Read only this table.

        Yields:
            The line where a row ends, counted from 1 (for Parquet, counted as if there were a
            header line), and our column names with the row's stripped texts; an optional column
            that is missing is empty. Blank lines are skipped. A row that does not match the header
            has a `problem` (a `Reason`), a `detail` (a sentence) and empty texts, except the
            `file_name` if the table does not name persons.

        Raises:
            SettingsError: the table cannot be read, a column is missing, or most rows do not match
                the header.
        """
        if self._is_parquet():
            yield from self._parquet_rows()
        else:
            yield from self._text_rows()

    def without(self, lines: Set[int]) -> bytes:
        """Return the file's content without some of its rows; the rest stays as it is written.

        Args:
            lines: the lines where these rows end, as returned by `rows`.

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
        """Convert the errors of a file to one line."""
        try:
            yield
        except UnicodeDecodeError as error:
            encoding = error.encoding.upper().removesuffix("-LE").removesuffix("-BE")
            raise SettingsError(
                f"{self.path}: not text in {encoding}; save the table as CSV in UTF-8"
            ) from error
        except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
            raise SettingsError(f"{self.path}: cannot be read: {error}") from error


def digest_of(*parts: str) -> str:
    """Return the SHA-256 of texts in 64 hexadecimal digits."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _text_without(content: bytes, lines: Set[int], path: str) -> bytes:
    """Remove rows from a text; a row may have several lines."""
    codec, mark = dialect.codec_and_mark(content)
    # As in `open_text`: each of the three line ends counts as the end of a line.
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
