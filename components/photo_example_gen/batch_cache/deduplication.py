"""One photo, one example: the one rule for the same photo in several rows, whatever batch has them.

Photos are the same if their files are, byte by byte. The first row keeps the photo: that of the
data set before those of batches, then by table and line. Where the ages contradict each other, no
row does, since nobody knows which one is right.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from customer_age.schema.refusals import Reason

from .index import Entry

SAME_AGE = 1.0
"""Years. One table counts whole years, another one days: less than this is not a contradiction."""

Position = tuple[int, int]
"""The number of a batch, and of an entry in it."""


def repeated(
    entries: Iterable[tuple[Position, Entry]],
) -> Iterator[tuple[Position, Entry, Reason, str]]:
    """Find the entries that a run leaves out because of another one.

    Args:
        entries: of all batches.

    Yields:
        Its position, the entry, and why it is left out, in a word and in a sentence.
    """
    alike: dict[str, list[tuple[Position, Entry]]] = defaultdict(list)
    for position, entry in entries:
        alike[entry.content].append((position, entry))
    for same in alike.values():
        if len(same) > 1:
            same.sort(key=lambda each: (each[0][0], each[1].table, each[1].line))
            refused, reason, detail = _judged(same)
            for position, entry in refused:
                yield position, entry, reason, detail


def _judged(
    same: Sequence[tuple[Position, Entry]],
) -> tuple[Sequence[tuple[Position, Entry]], Reason, str]:
    """Which of the rows of one photo are left out, and why."""
    ages = sorted({entry.age for _, entry in same})
    one_file = len({(entry.table, entry.file_name) for _, entry in same}) == 1
    what = "the same file name" if one_file else "the same photo"
    if ages[-1] - ages[0] >= SAME_AGE:
        contradiction = Reason.SAME_NAME_OTHER_AGE if one_file else Reason.SAME_PHOTO_OTHER_AGE
        listed = " and ".join(f"{age:g}" for age in ages)
        return same, contradiction, f"{what} stands with the ages {listed}"
    first = same[0][1]
    kept = f"{what} as {first.file_name} in {first.table}, line {first.line}, which is kept"
    return same[1:], Reason.DUPLICATE, kept
