"""The report on a data set, and on the rows that a run would refuse."""

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
"""Splits: assigned to photos or persons as in a run."""
ESTIMATED = "estimated"
"""Splits: estimated from the shares; the run's key or the photos' contents decide."""


@dataclass(frozen=True)
class DataSetReport:
    """One folder: the data set, or a batch.

    Attributes:
        folder: its path or address.
        batch: its name in the inbox; empty for the data set.
        layout: a value of the setting `data.layout`.
        tables: the tables with its rows, including profiles.
        rows: number of rows in its label tables, without those on the ignore list.
        photos: number of usable photos.
    """

    folder: str
    batch: str
    layout: str
    tables: tuple[TableDescription, ...]
    rows: int
    photos: int


@dataclass(frozen=True)
class Ages:
    """The ages on the usable photos, in whole years.

    A fraction would reveal when in the year a person was born.

    Attributes:
        youngest: the lowest age.
        quartiles: the first quartile, the median and the third quartile.
        oldest: the highest age.
        groups: number of photos by age group (`gate.age_groups`), youngest group first.
    """

    youngest: int
    quartiles: tuple[int, int, int]
    oldest: int
    groups: Mapping[str, int]


@dataclass(frozen=True)
class DataReport:
    """The report on all data that a run would read.

    Attributes:
        data_sets: the data set, then the batches.
        rows: number of rows in all label tables.
        photos: number of usable photos.
        people: number of persons on these photos; None if no table has persons.
        ages: their ages; None if no photo is usable.
        splits: number of photos by split.
        splits_are: `official`, `dealt` or `estimated`.
        refused: number of refused rows by reason, most frequent first.
        first_refused: the first rows of each reason.
        photos_opened: whether each photo was opened; if not, a run may refuse more rows.
        stops: the reasons why a run would stop, one sentence each.
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
        """Return the report as JSON values."""
        return dataclasses.asdict(self)
