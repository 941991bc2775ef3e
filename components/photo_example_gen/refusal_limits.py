"""The limits for refused photos of a run. This module imports no TFX: `check-data` uses it."""

from collections.abc import Iterable, Iterator

from customer_age.errors import DataRefused
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import Reason, Refusal

from ..artifacts.ingestion import Ingestion

_HARMLESS = (Reason.DUPLICATE, Reason.NO_CONSENT, Reason.FORGOTTEN)
"""Refusals that are no fault of the data: one of several identical photos with the same age is
kept, and people who did not consent, or requested to be forgotten, must be left out."""

_AGE_REASONS = (Reason.AGE_MISSING, Reason.AGE_NOT_A_NUMBER, Reason.AGE_OUT_OF_RANGE)


def require_photos_in_each_split(ingestion: Ingestion) -> None:
    """Check that each split has photos: to train on, to validate with, and to test with.

    Raises:
        DataRefused: a split has no usable photo.
    """
    empty = [split for split, photos in ingestion.photos.items() if not photos]
    if not empty:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in ingestion.refused.items())
    because = f" Refused: {reasons}." if reasons else ""
    first = f" First: {ingestion.examples_of_refused[0]}." if reasons else ""
    if len(empty) == len(SPLITS):
        raise DataRefused(
            f"none of {ingestion.rows} photos can be used.{because}{first} "
            "Correct the table or the photos, and run again"
        )
    raise DataRefused(
        f"there is no photo in split {' and '.join(empty)}, from {ingestion.rows} rows."
        f"{because}{first} "
        "Add photos, or give the split a larger share (data.split_shares)"
    )


def refusal_sentences(
    ingestion: Ingestion,
    refusals: Iterable[Refusal],
    max_refused_share: float,
    max_wrong_ages: int,
) -> Iterator[str]:
    """Describe the refusals, if there are too many.

    Args:
        ingestion: the counts of PhotoExampleGen.
        refusals: the rows that it refused.
        max_refused_share: largest share of refused rows, 0 to 1.
        max_wrong_ages: largest number of rows without a valid age.
    """
    refused = {
        reason: number for reason, number in ingestion.refused.items() if reason not in _HARMLESS
    }
    wrong_ages = sum(refused.get(reason, 0) for reason in _AGE_REASONS)
    if wrong_ages > max_wrong_ages:
        yield (
            f"{_rows(wrong_ages)} without a usable age{_first(refusals, _AGE_REASONS)}; "
            f"correct the table, or increase data.max_wrong_ages ({max_wrong_ages})"
        )
    rows, count = ingestion.rows, sum(refused.values())
    if rows and count / rows > max_refused_share:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(refused.items()))
        yield (
            f"{count} of {_rows(rows)} refused ({count / rows:.1%}: {reasons}), which is more than "
            f"data.max_refused_share allows ({max_refused_share:.1%})"
        )


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number:,} rows"


def _first(refusals: Iterable[Refusal], reasons: tuple[Reason, ...]) -> str:
    """Describe the first refusal for one of the reasons, as an example."""
    for refusal in refusals:
        if refusal.reason in reasons:
            return (
                f" (first: {refusal.table}, line {refusal.line}, "
                f"{refusal.file_name}: {refusal.detail})"
            )
    return ""
