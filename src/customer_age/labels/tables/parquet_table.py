"""Read Parquet with Arrow: each column is converted to text from its own type."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from customer_age.errors import SettingsError

from . import values

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

_ROWS_AT_ONCE = 16_384


class ParquetTable:
    """A Parquet file that can be read.

    Attributes:
        columns: the names of its columns.
        types: the type of each, as Arrow names it.
    """

    def __init__(self, content: bytes, path: str) -> None:
        """Open a file.

        Args:
            content: of the file.
            path: of the table, for messages.

        Raises:
            SettingsError: it is not Parquet.
        """
        self._path = path
        self._file = self._opened(content)
        schema = self._file.schema_arrow
        self.columns: list[str] = list(schema.names)
        self.types = [str(kind) for kind in schema.types]
        self._types = schema.types

    def rows(self, wanted: Sequence[int], numbers: Sequence[int]) -> Iterator[tuple[str, ...]]:
        """Read some columns.

        Args:
            wanted: positions of the columns.
            numbers: those of them that may hold numbers with a fraction.

        Yields:
            The texts of a row, in the order of `wanted`; a null value is an empty text.

        Raises:
            SettingsError: a column cannot be read, or cannot be converted to text reliably.
        """
        for place in wanted:
            if not values.is_readable(self._types[place]):
                raise SettingsError(
                    f"{self._path}: column {self.columns[place]!r} is of type "
                    f"{self.types[place]}, which is not text, a number or a date; save it as text"
                )
        if not wanted:  # Arrow returns no rows when no column is read
            yield from ((),) * self._file.metadata.num_rows
            return
        for batch in self._batches([self.columns[place] for place in wanted]):
            texts = [self._texts(batch, place, place in numbers) for place in wanted]
            yield from zip(*texts, strict=True)

    def _texts(self, batch: "pa.RecordBatch", place: int, number: bool) -> list[str]:
        name = self.columns[place]
        column = batch.column(batch.schema.get_field_index(name))
        try:
            found = values.texts(column)
        except (ValueError, OverflowError) as error:
            # Without the error's own message, which may contain the value.
            raise SettingsError(
                f"{self._path}: column {name!r} ({self.types[place]}) contains a value that is not "
                "text in UTF-8 or not a date; save the column as text"
            ) from error
        if not number and values.is_fraction(column.type) and any(found):
            raise SettingsError(
                f"{self._path}: column {name!r} contains decimal numbers ({self.types[place]}), "
                "which are not names; pandas converts whole numbers with gaps to them; save it as "
                "text, or as integers ('Int64')"
            )
        return found

    def _opened(self, content: bytes) -> "ParquetFile":
        import pyarrow as pa  # Slow, and most tables are text.
        from pyarrow import parquet

        try:
            return parquet.ParquetFile(io.BytesIO(content))
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _batches(self, names: list[str]) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        try:
            yield from self._file.iter_batches(_ROWS_AT_ONCE, columns=names)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> SettingsError:
        first = str(error).partition("\n")[0]
        return SettingsError(f"{self._path}: cannot be read as Parquet: {first}")


def without(content: bytes, rows: set[int]) -> bytes:
    """Return a Parquet file without some of its rows, given by their numbers from 0.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    import pyarrow as pa
    from pyarrow import parquet

    table: Any = parquet.read_table(pa.BufferReader(content))
    kept = [number for number in range(table.num_rows) if number not in rows]
    sink = pa.BufferOutputStream()
    parquet.write_table(table.take(pa.array(kept, pa.int64())), sink)
    return bytes(sink.getvalue())
