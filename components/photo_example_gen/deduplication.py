"""One example for each photo: the rule for the same photo in several rows, of any batch.

Photos are the same if their files have the same bytes. The first row keeps the photo: a row of the
data set comes before rows of batches, then the order is by table and line. If the ages contradict
each other, no row keeps it, because nobody knows which age is right. Rows that were refused for
another reason, such as a file that cannot be decoded, do not count here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from customer_age.schema.refusals import Reason

SAME_AGE = 1.0
"""Years. A smaller difference is not a contradiction: some tables have whole years, others days."""

_DIGITS = 6
"""Decimals of a difference of ages in years. A day is 0.0027; in floats, 4.1 - 3.1 is below 1."""

Position = tuple[int, int]
"""The index of a batch, and the index of an entry in it."""


class PhotoRow(Protocol):
    """A row with a usable photo and a valid age."""

    @property
    def content(self) -> str:
        """Equal for equal photos."""

    @property
    def age(self) -> float:
        """Age in years."""

    @property
    def table(self) -> str:
        """Name of the row's table."""

    @property
    def line(self) -> int:
        """Last line of the row in its table."""

    @property
    def file_name(self) -> str:
        """Name of the photo's file."""


Row = TypeVar("Row", bound=PhotoRow)


def repeated(
    entries: Iterable[tuple[Position, Row]],
) -> Iterator[tuple[Position, Row, Reason, str]]:
    """Find the entries that a run leaves out because of another entry.

    Args:
        entries: of all batches.

    Yields:
        The entry's position, the entry, and the reason as a code and as a sentence.
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
    """Whether ages cannot belong to one photo: two of them differ by `SAME_AGE` or more."""
    known = sorted(ages)
    return round(known[-1] - known[0], _DIGITS) >= SAME_AGE


def _judged(
    same: Sequence[tuple[Position, Row]],
) -> tuple[Sequence[tuple[Position, Row]], Reason, str]:
    """Return the rows of one photo that are left out, and the reason."""
    ages = sorted({entry.age for _, entry in same})
    one_file = len({(entry.table, entry.file_name) for _, entry in same}) == 1
    what = "the same file name" if one_file else "the same photo"
    if contradict(ages):
        contradiction = Reason.SAME_NAME_OTHER_AGE if one_file else Reason.SAME_PHOTO_OTHER_AGE
        listed = " and ".join(f"{age:g}" for age in ages)
        return same, contradiction, f"{what} has the ages {listed}"
    first = same[0][1]
    kept = f"{what} as {first.file_name} in {first.table}, line {first.line}, which is kept"
    return same[1:], Reason.DUPLICATE, kept
