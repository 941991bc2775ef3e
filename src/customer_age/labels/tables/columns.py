"""Which columns of a table are read, and what their cells have to look like."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_age.errors import SettingsError
from customer_age.schema.features import EXTRA

_NAME = re.compile(r"\S(.*\S)?\.\w{2,5}")
_AGE = re.compile(r"\d{1,3}([.,]\d*)?")
_FEW = 2
"""Columns; in a note, a line with as many commas is nothing special."""

_SHOWN = 20
_NAME_SHOWN = 40
"""Characters of a column's name."""

# What spreadsheets and data frames make of a long or a missing number: 4001.0, 4,001E+12.
_SPOILT_NUMBER = re.compile(r"\d+[.,]0+|\d+([.,]\d+)?[eE]\+\d+")


@dataclass(frozen=True)
class Columns:
    """Where in a table stands what is read.

    Attributes:
        there: the names of the table's columns, in its order.
        places: our name of each column to its place, or None of an optional one that is absent.
        theirs: our name of each column to the table's.
    """

    there: tuple[str, ...]
    places: Mapping[str, int | None]
    theirs: Mapping[str, str]

    def present(self) -> list[tuple[str, int]]:
        """Our names and the places of the columns that are there."""
        return [(ours, place) for ours, place in self.places.items() if place is not None]

    def numbers(self) -> list[int]:
        """Places of the columns that may hold numbers with a fraction."""
        return [place for ours, place in self.present() if may_be_fraction(ours)]

    def looks_like_row(self, cells: Sequence[str], inner: bool) -> bool:
        """Whether what stands in one line of a quoted cell is likely to be a row of this table.

        Args:
            cells: of the line, taken by itself.
            inner: whether the cell goes on in the next line too. In its last line, what stands
                behind the closing quote belongs to the row that the cell is in.
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
    """Find the columns that are to be read.

    Args:
        header: the names of the table's columns.
        columns: our name of a column to the table's own; what the table must have.
        optional: the same, of columns that it may have.
        path: of the table, for people.

    Raises:
        SettingsError: one is missing, or there twice.
    """
    there = tuple(column.strip() for column in header)
    # The same letters can be saved in two ways (ü as one character, or as u and its dots).
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
            counted = " and ".join(str(place + 1) for place in found)
            raise SettingsError(
                f"{path}: columns {counted} are both called {name!r}; rename or delete all but one"
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
    """Whether a column of ours may hold numbers with a fraction."""
    return ours == "real_age" or ours.startswith(EXTRA)


def is_spoilt_number(text: str) -> bool:
    """Whether a text is what becomes of a number where a program takes it for a measurement."""
    return ("0" in text or "+" in text) and _SPOILT_NUMBER.fullmatch(text) is not None


def _shown(columns: Sequence[str]) -> str:
    """Column names for a message: one line, even where the table is none."""
    names = ", ".join(" ".join(column.split())[:_NAME_SHOWN] for column in columns[:_SHOWN])
    return f"{names}, ..." if len(columns) > _SHOWN else names
