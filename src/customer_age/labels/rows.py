"""What a data set says of one photo, and how its age is read."""

import math
from dataclasses import dataclass

from customer_age.schema import age_groups
from customer_age.schema.refusals import PhotoRefused, Reason, Refusal


@dataclass(frozen=True)
class LabelRow:
    """One row of a label table, as it stands there.

    Attributes:
        table: the table's name, behind that of its batch if it has one.
        line: where the row ends in it, 1 being the header's line.
        file_name: the photo's name in the table, without a card's number.
        age: the label as text, not yet judged.
        split: the official split, or None.
        person: a keyed hash of the person, or empty.
        batch: the batch that the photo came with, or empty.
        extras: feature name and text of each further column that is kept.
        photo: the path of the file to read.
        byte_size: of that file, in bytes.
        problem: why there is no file that may be read, or None.
        detail: the same in a sentence, or empty.
        captured: the day on which it was taken, an ISO date, or empty.
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
        """The line of `refused.csv` for this row."""
        return Refusal(self.table, self.line, self.file_name, str(reason), detail)


_DIGITS_OF_A_DATE = 4
"""At least, as in 1.5.90 or 1990; an age of 3 digits and a decimal one is rare."""


def age_of(text: str) -> float:
    """Read an age, in years.

    Raises:
        PhotoRefused: it is missing, no number, or outside 0 to 120.
    """
    if not text:
        raise PhotoRefused(Reason.AGE_MISSING, "real_age is empty")
    try:
        # A table with semicolons often comes from where the decimal point is a comma. Python
        # reads 1_0 as ten; people do not.
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
    """A cell that is no age, for people; not where it may be a date of birth, or its year."""
    if sum(character.isdigit() for character in cell) >= _DIGITS_OF_A_DATE:
        return "(not shown: it may be a date of birth)"
    return cell
