"""The names of batches of photos: a batch is named like its folder in the inbox."""

import re

from customer_age.errors import SettingsError

BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*")


def split_names(text: str) -> list[str]:
    """Split a text of comma-separated names, the form of the parameter `batches`."""
    return [name.strip() for name in text.split(",") if name.strip()]


def batch_names(text: str) -> list[str]:
    """Read comma-separated names of batches.

    Returns:
        Each name once, sorted: a run does not depend on their order.

    Raises:
        SettingsError: a name is not valid.
    """
    names = sorted(set(split_names(text)))
    for name in names:
        if not BATCH_NAME.fullmatch(name):
            raise SettingsError(
                f"data.batches: {name!r} is not a valid batch name: use letters, digits and "
                ". _ = -, and begin with a letter or a digit"
            )
    return names
