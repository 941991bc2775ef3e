"""What every part of the settings has in common."""

import re

from pydantic import BaseModel, ConfigDict

SECRET_NAME = re.compile("secret|password|token|access_key", re.IGNORECASE)
"""What an option is called whose value must not be written down."""


class Section(BaseModel):
    """A part of the settings: unknown keys and numbers given as text are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
