"""One photo, one example: the one rule for the same photo in several rows, whatever batch has them.

Photos are the same if their files are, byte by byte. The first row keeps the photo: that of the
data set before those of batches, then by table and line. Where the ages contradict each other, no
row does, since nobody knows which one is right. Rows that were refused for another reason, such as
a file that cannot be decoded, are not judged here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from customer_age.schema.refusals import Reason

SAME_AGE = 1.0
"""Years. One table counts whole years, another one days: less than this is not a contradiction."""

_DIGITS = 6
"""Of the difference of two ages in years. A day is 0.0027; floats have 4.1 - 3.1 below 1."""

Position = tuple[int, int]
"""The number of a batch, and of an entry in it."""


class PhotoRow(Protocol):
    """A row with a photo and an age that can both be used."""

    @property
    def content(self) -> str:
        """The same for photos that are the same."""

    @property
    def age(self) -> float:
        """In years."""

    @property
    def table(self) -> str:
        """Where the row stands."""

    @property
    def line(self) -> int:
        """Where the row ends in its table."""

    @property
    def file_name(self) -> str:
        """The photo's."""


Row = TypeVar("Row", bound=PhotoRow)


def repeated(
    entries: Iterable[tuple[Position, Row]],
) -> Iterator[tuple[Position, Row, Reason, str]]:
    """Find the entries that a run leaves out because of another one.

    Args:
        entries: of all batches.

    Yields:
        Its position, the entry, and why it is left out, in a word and in a sentence.
    """
    alike: dict[str, list[tuple[Position, Row]]] = defaultdict(list)
    for position, entry in entries:
        alike[entry.content].append((position, entry))
    for same in alike.values():
        if len(same) > 1:
            same.sort(key=lambda each: (each[0][0], each[1].table, each[1].line))
            refused, reason, detail = _judged(same)
            for position, entry in refused:
                yield position, entry, reason, detail


def contradict(ages: Iterable[float]) -> bool:
    """Whether ages cannot all be of one photo: `SAME_AGE` or more lies between two of them."""
    known = sorted(ages)
    return round(known[-1] - known[0], _DIGITS) >= SAME_AGE


def _judged(
    same: Sequence[tuple[Position, Row]],
) -> tuple[Sequence[tuple[Position, Row]], Reason, str]:
    """Which of the rows of one photo are left out, and why."""
    ages = sorted({entry.age for _, entry in same})
    one_file = len({(entry.table, entry.file_name) for _, entry in same}) == 1
    what = "the same file name" if one_file else "the same photo"
    if contradict(ages):
        contradiction = Reason.SAME_NAME_OTHER_AGE if one_file else Reason.SAME_PHOTO_OTHER_AGE
        listed = " and ".join(f"{age:g}" for age in ages)
        return same, contradiction, f"{what} stands with the ages {listed}"
    first = same[0][1]
    kept = f"{what} as {first.file_name} in {first.table}, line {first.line}, which is kept"
    return same[1:], Reason.DUPLICATE, kept
