"""A description of how a label table is read, for people."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableDescription:
    """How a table is read; it contains no rows.

    Attributes:
        name: of the file in the data folder.
        kind: `text` or `parquet`.
        encoding: `UTF-8`, `UTF-16` or `UTF-32`; empty for Parquet.
        delimiter: the character between the cells of a text; empty for Parquet.
        compressed: whether it is gzipped.
        columns: name and type of each column, in the table's order; a text has empty types.
        read: our name of each column that is read to the table's name.
        absent: the names of optional columns that are missing.
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
        """Return the format in a few words, such as `text in UTF-8, cells separated by ;`."""
        if self.kind != "text":
            return "Parquet"
        separator = {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(
            self.delimiter, repr(self.delimiter)
        )
        packed = ", gzipped" if self.compressed else ""
        return f"text in {self.encoding}, cells separated by {separator}{packed}"
