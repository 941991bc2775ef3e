"""What was understood of a data set, and what a run would leave out of it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_age.labels.tables import TableDescription
from customer_age.schema.refusals import Refusal

SHOWN_PER_REASON = 3

OFFICIAL = "official"
"""Splits: the data set's own."""
DEALT = "dealt"
"""Splits: as a run deals photos, or people."""
ESTIMATED = "estimated"
"""Splits: shares of the photos; the run's key or the photos' contents decide which they are."""


@dataclass(frozen=True)
class DataSetReport:
    """One folder: the data set, or a batch.

    Attributes:
        folder: its path or address.
        batch: its name in the inbox; empty for the data set.
        layout: as the setting `data.layout` calls it.
        tables: that its rows are read from, those of profiles among them.
        rows: of its label tables, without those on the ignore list.
        photos: that can be used.
    """

    folder: str
    batch: str
    layout: str
    tables: tuple[TableDescription, ...]
    rows: int
    photos: int


@dataclass(frozen=True)
class Ages:
    """The ages of the photos that can be used, in whole years.

    A fraction would say when in the year a person was born.

    Attributes:
        youngest: of all.
        quartiles: a quarter, a half and three quarters of the photos are not older.
        oldest: of all.
        groups: photos by age group (`gate.age_groups`), the youngest group first.
    """

    youngest: int
    quartiles: tuple[int, int, int]
    oldest: int
    groups: Mapping[str, int]


@dataclass(frozen=True)
class DataReport:
    """All that a run would read.

    Attributes:
        data_sets: the data set, then the batches.
        rows: of all label tables.
        photos: that can be used.
        people: on these photos; None where no table names any.
        ages: None where no photo can be used.
        splits: photos by split.
        splits_are: `official`, `dealt` or `estimated`.
        refused: rows by reason, the most frequent first.
        first_refused: the first rows of each reason.
        photos_opened: whether each photo was opened; else a run may refuse more of them.
        stops: what a run would stop for, a sentence each.
    """

    data_sets: tuple[DataSetReport, ...]
    rows: int
    photos: int
    people: int | None
    ages: Ages | None
    splits: Mapping[str, int]
    splits_are: str
    refused: Mapping[str, int]
    first_refused: Mapping[str, Sequence[Refusal]]
    photos_opened: bool
    stops: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same in what JSON has."""
        return dataclasses.asdict(self)
