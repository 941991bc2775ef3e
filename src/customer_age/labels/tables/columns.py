"""Find the columns to read in a table, and recognise the content of their cells."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_age.errors import SettingsError
from customer_age.schema.features import EXTRA

_NAME = re.compile(r"\S(.*\S)?\.\w{2,5}")
_AGE = re.compile(r"\d{1,3}([.,]\d*)?")
_FEW = 2
"""Columns; a line of free text may also have this many commas."""

_SHOWN = 20
_NAME_SHOWN = 40
"""Characters of a column's name in a message."""

# Spreadsheets and data frames write long numbers so, or those next to missing ones: 4001.0,
# 4,001E+12.
_SPOILT_NUMBER = re.compile(r"\d+[.,]0+|\d+([.,]\d+)?[eE]\+\d+")


@dataclass(frozen=True)
class Columns:
    """The columns of a table, and the positions of those that are read.

    Attributes:
        there: the names of the table's columns, in its order.
        places: our name of each column to its position; None if it is optional and absent.
        theirs: our name of each column to the table's.
    """

    there: tuple[str, ...]
    places: Mapping[str, int | None]
    theirs: Mapping[str, str]

    def present(self) -> list[tuple[str, int]]:
        """Return our names and the positions of the columns that are present."""
        return [(ours, place) for ours, place in self.places.items() if place is not None]

    def numbers(self) -> list[int]:
        """Return the positions of the columns that may hold numbers with a fraction."""
        return [place for ours, place in self.present() if may_be_fraction(ours)]

    def looks_like_row(self, cells: Sequence[str], inner: bool) -> bool:
        """Return whether one line of a quoted cell is probably a row of this table.

        Args:
            cells: the cells of the line when it is read alone.
            inner: whether the cell continues in the next line. In its last line, the text after
                the closing quote belongs to the cell's row.
        """
        width, name = len(self.there), self.places.get("file_name")
        if name is None:
            return bool(self.places) and len(cells) == width > _FEW
        if len(cells) > max(1, name) and _NAME.fullmatch(cells[name].strip('" ')):
            return True
        age = self.places.get("real_age")
        return (
            inner
            and len(cells) == width
            and age is not None
            and _AGE.fullmatch(cells[age].strip('" ')) is not None
        )


def find_columns(
    header: Sequence[str], columns: Mapping[str, str], optional: Mapping[str, str], path: str
) -> Columns:
    """Find the columns to read.

    Args:
        header: the names of the table's columns.
        columns: our name of each required column to the table's name.
        optional: our name of each optional column to the table's name.
        path: of the table, for messages.

    Raises:
        SettingsError: a column is missing, or two columns have the same name.
    """
    there = tuple(column.strip() for column in header)
    # A letter can have two Unicode forms (ü as one character, or as u and a combining mark).
    composed = [unicodedata.normalize("NFC", column) for column in there]
    theirs = {**optional, **columns}
    places: dict[str, int | None] = {}
    for ours, name in theirs.items():
        found = [
            place
            for place, column in enumerate(composed)
            if column == unicodedata.normalize("NFC", name)
        ]
        if len(found) > 1:
            numbers = " and ".join(str(place + 1) for place in found)
            raise SettingsError(
                f"{path}: columns {numbers} are all named {name!r}; rename or delete all but one"
            )
        places[ours] = found[0] if found else None
    missing = [name for ours, name in columns.items() if places[ours] is None]
    if missing:
        raise SettingsError(
            f"{path}: no column {' and no column '.join(map(repr, missing))}; "
            f"there are: {_shown(there)}"
        )
    return Columns(there, places, theirs)


def may_be_fraction(ours: str) -> bool:
    """Return whether a column, given by our name, may hold numbers with a fraction."""
    return ours == "real_age" or ours.startswith(EXTRA)


def is_spoilt_number(text: str) -> bool:
    """Return whether a text is a whole number that a program wrote as a decimal number."""
    return ("0" in text or "+" in text) and _SPOILT_NUMBER.fullmatch(text) is not None


def _shown(columns: Sequence[str]) -> str:
    """Return column names for a message: one short line, even if the file is not a table."""
    names = ", ".join(" ".join(column.split())[:_NAME_SHOWN] for column in columns[:_SHOWN])
    return f"{names}, ..." if len(columns) > _SHOWN else names
