"""When the photos of a folder came: none of them can have been taken later.

An upload of loyalty-card photos ends with `_SUCCESS`, so its time is the upload's own, and the
answer stays what it was, even where the clock here was set back by some days since. A folder
without one is judged by today, as is what came from a machine whose clock is far ahead.
"""

from datetime import date, datetime, timedelta, timezone

from customer_age.files import Folder

COMPLETE = "_SUCCESS"
"""An empty file; written last, it says that a batch is complete."""

_SLACK = timedelta(days=1)
"""It is later in the east, and clocks differ."""

_SET_BACK = timedelta(days=7)
"""By so much, an upload's time is taken for the right one and the clock here for the wrong one."""


def latest_capture(folder: Folder) -> date:
    """The last day on which a photo of a folder can have been taken.

    Args:
        folder: of a batch, or of a data set.

    Raises:
        SettingsError: the folder cannot be listed.
    """
    today = datetime.now(timezone.utc)
    arrived = folder.modified(COMPLETE)
    came = arrived if arrived and arrived - today <= _SET_BACK else today
    return came.date() + _SLACK
