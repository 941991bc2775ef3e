"""What was understood of a label table, for people."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableDescription:
    """How a table is read; nothing of its rows.

    Attributes:
        name: the file's, in the data folder.
        kind: `text` or `parquet`.
        encoding: `UTF-8`, `UTF-16` or `UTF-32`; empty for Parquet.
        delimiter: the character between the cells of a text; empty for Parquet.
        compressed: whether it is gzipped.
        columns: all of the table's, in its order, to the type of each; empty types for a text.
        read: our name of each column that is read to the table's own.
        absent: the table's names of optional columns that it lacks.
    """

    name: str
    kind: str
    encoding: str
    delimiter: str
    compressed: bool
    columns: tuple[tuple[str, str], ...]
    read: Mapping[str, str]
    absent: tuple[str, ...]

    def dialect(self) -> str:
        """The same in a few words, such as `text in UTF-8, cells separated by ;`."""
        if self.kind != "text":
            return "Parquet"
        separator = {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(
            self.delimiter, repr(self.delimiter)
        )
        packed = ", gzipped" if self.compressed else ""
        return f"text in {self.encoding}, cells separated by {separator}{packed}"
