"""What every part of the settings has in common."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings: unknown keys and numbers given as text are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
