"""When the photos of a folder came: none of them can have been taken later.

An upload of loyalty-card photos ends with `_SUCCESS`, so its time is the upload's own, and the
answer stays what it was. A folder without one is judged by today, as is what came from a machine
whose clock is ahead.
"""

from datetime import date, datetime, timedelta, timezone

from customer_age.files import Folder

COMPLETE = "_SUCCESS"
"""An empty file; written last, it says that a batch is complete."""

_SLACK = timedelta(days=1)
"""It is later in the east, and clocks differ."""


def latest_capture(folder: Folder) -> date:
    """The last day on which a photo of a folder can have been taken.

    Args:
        folder: of a batch, or of a data set.

    Raises:
        SettingsError: the folder cannot be listed.
    """
    today = datetime.now(timezone.utc)
    arrived = folder.modified(COMPLETE)
    return (min(arrived, today) if arrived else today).date() + _SLACK
