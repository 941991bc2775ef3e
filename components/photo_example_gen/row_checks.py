"""The checks of a row before its photo is read; without Beam, because `check-data` uses them."""

from customer_age.labels import LabelRow, age_of
from customer_age.photos.decode import MAX_FILE_BYTES, too_large
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import PhotoRefused, Reason


def require_usable(row: LabelRow) -> None:
    """Check that a row has a valid age, and that its photo exists.

    Raises:
        PhotoRefused: with the first fault.
    """
    if row.age or row.problem is None:
        age_of(row.age)
    if row.problem is not None:
        raise PhotoRefused(row.problem, row.detail)
    if row.split is not None and row.split not in SPLITS:
        raise PhotoRefused(
            Reason.SPLIT_UNKNOWN, f"split {row.split!r} is not one of {', '.join(SPLITS)}"
        )
    if not row.byte_size:
        raise PhotoRefused(Reason.FILE_EMPTY, "the file is empty")
    if row.byte_size > MAX_FILE_BYTES:
        raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(row.byte_size))
