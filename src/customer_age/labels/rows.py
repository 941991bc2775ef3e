"""A row of a data set, which describes one photo, and how its age is read."""

import math
from dataclasses import dataclass

from customer_age.schema import age_groups
from customer_age.schema.refusals import PhotoRefused, Reason, Refusal


@dataclass(frozen=True)
class LabelRow:
    """One row of a label table, as written there.

    Attributes:
        table: the table's name, with its batch's name in front if it is in one.
        line: the line where the row ends; the header is line 1.
        file_name: the photo's name in the table, without a card's number.
        age: the label as text, not yet checked.
        split: the official split, or None.
        person: the person's pseudonym, a keyed hash, or empty.
        batch: the photo's batch, or empty.
        extras: feature name and text of each additional column that is kept.
        photo: the path of the file to read.
        byte_size: of that file, in bytes.
        problem: why no file may be read, or None.
        detail: the problem in a sentence, or empty.
        captured: the day on which the photo was taken, an ISO date, or empty.
    """

    table: str
    line: int
    file_name: str
    age: str
    split: str | None
    person: str
    batch: str
    extras: tuple[tuple[str, str], ...]
    photo: str
    byte_size: int
    problem: Reason | None
    detail: str
    captured: str = ""

    def refusal(self, reason: Reason, detail: str) -> Refusal:
        """Return the line of `refused.csv` for this row."""
        return Refusal(self.table, self.line, self.file_name, str(reason), detail)


_DIGITS_OF_A_DATE = 4
"""The fewest digits of a date, as in 1.5.90 or 1990; an age of 3 digits with a decimal is rare."""


def age_of(text: str) -> float:
    """Read an age, in years.

    Raises:
        PhotoRefused: it is missing, not a number, or outside 0 to 120.
    """
    if not text:
        raise PhotoRefused(Reason.AGE_MISSING, "real_age is empty")
    try:
        # A table with semicolons often comes from a country with decimal commas. Python reads 1_0
        # as ten; people do not.
        age = float(text.replace(",", ".").replace("_", "?"))
    except ValueError as error:
        raise PhotoRefused(
            Reason.AGE_NOT_A_NUMBER, f"real_age {_shown(repr(text[:40]))} is not a number"
        ) from error
    if math.isnan(age):
        raise PhotoRefused(
            Reason.AGE_NOT_A_NUMBER, f"real_age {_shown(repr(text[:40]))} is not a number"
        )
    if not 0 <= age <= age_groups.OLDEST:
        raise PhotoRefused(
            Reason.AGE_OUT_OF_RANGE, f"real_age {_shown(text)} is outside 0 to {age_groups.OLDEST}"
        )
    return age


def _shown(cell: str) -> str:
    """Return a cell for a message, unless it may be a date or a year of birth."""
    if sum(character.isdigit() for character in cell) >= _DIGITS_OF_A_DATE:
        return "(not shown: it may be a date of birth)"
    return cell
