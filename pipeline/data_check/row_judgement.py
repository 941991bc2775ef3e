"""Checks each row as a run would, as far as possible without TensorFlow."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from customer_age.components.photo_example_gen import deduplication, home_splits, row_checks
from customer_age.labels import DataSet, LabelRow, age_of
from customer_age.photos.decode import read_photo
from customer_age.photos.prepare import prepare_photo
from customer_age.photos.spec import PhotoSpec
from customer_age.schema.refusals import PhotoRefused, Reason, Refusal

Identify = Callable[[LabelRow], str]
"""Returns a key that is equal for rows of the same photo; raises PhotoRefused."""


@dataclass(frozen=True, slots=True)
class UsableRow:
    """A row that becomes an example in a run; see `LabelRow`.

    Attributes:
        content: a key that is equal for equal photos.
        age: age in years.
        official: its split, if the table has one.
    """

    content: str
    age: float
    table: str
    line: int
    file_name: str
    person: str
    official: str | None

    def refusal(self, reason: Reason, detail: str) -> Refusal:
        """Return a refusal of this row."""
        return Refusal(self.table, self.line, self.file_name, str(reason), detail)


@dataclass(frozen=True)
class JudgedRows:
    """The rows of all data sets.

    Attributes:
        usable: the rows of each data set that become examples.
        refused: the other rows.
    """

    usable: list[list[UsableRow]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def judge(data_sets: Sequence[DataSet], opened: PhotoSpec | None = None) -> JudgedRows:
    """Check every row.

    Args:
        data_sets: the data set, then the batches.
        opened: how to prepare photos, to open each as a run does; None to use only file names,
            which does not find broken photos, or copies under another name.

    Raises:
        SettingsError: a table cannot be read.
    """
    identify = partial(_content, spec=opened) if opened else _file
    judged = JudgedRows()
    for data_set in data_sets:
        good = []
        for each in _each(data_set, identify, os.cpu_count() or 1 if opened else 1):
            if isinstance(each, Refusal):
                judged.refused.append(each)
            else:
                good.append(each)
        judged.usable.append(good)
    _leave_out_repeated(judged)
    judged.refused.sort()
    return judged


def keep_at_home(judged: JudgedRows, split: Callable[[UsableRow], str | None]) -> dict[str, str]:
    """Refuse rows of the data set whose person is also in another split.

    Args:
        judged: all rows.
        split: returns the split of a row, or None if it is not known.

    Returns:
        The split of each person of the data set, if it is known.
    """
    home = home_splits.home_splits(
        (row.person, known) for row in judged.usable[0] if (known := split(row)) is not None
    )
    kept = []
    for row in judged.usable[0]:
        other = home.get(row.person)
        if other is None or split(row) in (None, other):
            kept.append(row)
        else:
            judged.refused.append(
                row.refusal(Reason.PERSON_IN_TWO_SPLITS, home_splits.elsewhere(other))
            )
    judged.usable[0] = kept
    judged.refused.sort()
    return home


def _each(data_set: DataSet, identify: Identify, threads: int) -> Iterator[UsableRow | Refusal]:
    judge_one = partial(_judged, identify=identify)
    if threads == 1:
        yield from map(judge_one, data_set.rows())
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(judge_one, data_set.rows())


def _judged(row: LabelRow, identify: Identify) -> UsableRow | Refusal:
    try:
        row_checks.require_usable(row)
        content = identify(row)
    except PhotoRefused as refused:
        return row.refusal(refused.reason, refused.detail)
    return UsableRow(
        content, age_of(row.age), row.table, row.line, row.file_name, row.person, row.split
    )


def _file(row: LabelRow) -> str:
    return row.photo


def _content(row: LabelRow, spec: PhotoSpec) -> str:
    """Return the digest that decides the split of a photo without a person."""
    content = read_photo(row.photo)
    prepare_photo(content, spec)
    return hashlib.sha256(content).hexdigest()


def _leave_out_repeated(judged: JudgedRows) -> None:
    """Refuse the usable rows that a run leaves out because they repeat another one."""
    placed = (
        ((number, position), row)
        for number, rows in enumerate(judged.usable)
        for position, row in enumerate(rows)
    )
    left_out = set()
    for position, row, reason, detail in deduplication.repeated(placed):
        left_out.add(position)
        judged.refused.append(row.refusal(reason, detail))
    for number, rows in enumerate(judged.usable):
        judged.usable[number] = [
            row for position, row in enumerate(rows) if (number, position) not in left_out
        ]
