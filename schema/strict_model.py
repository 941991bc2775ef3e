"""The base class of all settings and specifications: a strict pydantic model."""

from pydantic import BaseModel, ConfigDict

MOST = 1_000_000_000
"""The largest number of photos, rows and so on; a larger number is a typing error."""

CENTURY_DAYS = 36_525
"""The largest number of days; a longer time would start before the calendar's first year."""


class StrictModel(BaseModel):
    """An immutable model: unknown keys, and numbers or booleans written as text, are errors.

    A whole number is accepted for a real number. Lists from JSON become tuples; Python code must
    pass a tuple.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)
