"""What all settings, and all that is made of them, have in common: strict pydantic models."""

from pydantic import BaseModel, ConfigDict

MOST = 1_000_000_000
"""Photos, rows and the like; a larger number is a typing error."""

CENTURY_DAYS = 36_525
"""A longer time would reach back before the calendar's first year."""


class StrictModel(BaseModel):
    """Unknown keys, and numbers or booleans given as text, are errors; nothing can be changed.

    A whole number is also a real one. Lists become tuples where the values come from JSON; in
    Python a tuple must be given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)
