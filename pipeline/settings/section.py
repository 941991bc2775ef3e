"""What every part of the settings has in common."""

import re
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict

SECRET_NAME = re.compile("secret|password|token|access_key", re.IGNORECASE)
"""What an option is called whose value must not be written down."""

MOST = 1_000_000_000
"""Photos, rows and the like: more are no count of them, but a slip of the hand."""

CENTURY_DAYS = 36_525
CENTURY_HOURS = 24 * CENTURY_DAYS
"""Longer is never, and would reach back before the calendar's first year."""


class Section(BaseModel):
    """A part of the settings: unknown keys, and numbers or booleans given as text, are errors.

    A whole number stands for a real one. Lists become tuples where the settings come from JSON;
    in Python a tuple must be given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


def url_parts(url: str) -> SplitResult:
    """Split a URL, or what may be one.

    Raises:
        ValueError: it is malformed, or its port is none. The message holds nothing of it, since
            there may be a password in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is no well-formed URL") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port must be 1 to 65535")
    return parts
