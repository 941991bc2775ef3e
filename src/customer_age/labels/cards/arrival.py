"""Find the latest day on which the photos of a folder can have been taken: their arrival.

An upload of loyalty-card photos ends with `_SUCCESS`, so the time of `_SUCCESS` is the time of the
upload. The answer stays the same, even if this machine's clock was set back by some days since.
Today is used for a folder without `_SUCCESS`, and for an upload whose time is far in the future.
"""

from datetime import date, datetime, timedelta, timezone

from customer_age.files import Folder

COMPLETE = "_SUCCESS"
"""An empty file, written last: it marks a batch as complete."""

_SLACK = timedelta(days=1)
"""For time zones in the east, and for clocks that differ."""

_SET_BACK = timedelta(days=7)
"""Up to this difference, the upload's time is trusted more than this machine's clock."""


def latest_capture(folder: Folder) -> date:
    """Return the last day on which a photo of a folder can have been taken.

    Args:
        folder: of a batch, or of a data set.

    Raises:
        SettingsError: the folder cannot be listed.
    """
    today = datetime.now(timezone.utc)
    arrived = folder.modified(COMPLETE)
    came = arrived if arrived and arrived - today <= _SET_BACK else today
    return came.date() + _SLACK
