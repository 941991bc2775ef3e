"""The settings of label tables: where they are, and how they are read."""

from typing import Literal

from pydantic import Field, field_validator

from customer_age.redaction import require_no_secret
from customer_age.schema.strict_model import CENTURY_DAYS, MOST, StrictModel

STORES_ASK = "object stores read their credentials from the environment"


class LabelSpec(StrictModel):
    """Settings for reading the data set and the inbox's batches."""

    layout: Literal["auto", "hand_out", "appa_real", "loyalty_card"] = "auto"
    columns: dict[str, str] = {}
    """Our name of a column (`file_name`, `real_age`, `person`, `batch`, `split`, `captured_at`,
    `date_of_birth`, `consent`, `updated_at`) to its name in the label tables, if that differs from
    the layout's name."""
    keep_columns: tuple[str, ...] = ()
    """Additional columns of the label tables to keep in the examples; all others are left out."""
    face_crops: bool = True
    """APPA-REAL release: use a photo's face crop from the same folder if there is one."""
    inbox: str | None = Field(None, min_length=1)
    """The folder, or `gs://` or `s3://` address, of loyalty-card batches: each a sub-folder with
    `photos.csv`, its photos, and an empty `_SUCCESS` that is written last."""
    profiles: str | None = Field(None, min_length=1)
    """The profiles of loyalty cards, if not in `cards.csv` of the batch or the inbox: a table, or a
    database's SQLAlchemy URL, followed by `#table` and without a password."""
    max_profile_age_days: int | None = Field(None, ge=0, le=CENTURY_DAYS)
    """A profile is stale if its `updated_at` is more than this before the photo was taken."""
    max_photos_per_card: int | None = Field(20, ge=1, le=MOST)
    """In one batch; a card with more photos is probably used by several people."""
    person_key_file: str | None = Field(None, min_length=1)
    """The path of the secret key of the persons' pseudonyms, for example a mounted file. Use the
    same for every run; by default a key is created in the work folder."""

    @field_validator("profiles")
    @classmethod
    def _profiles_hold_no_secret(cls, profiles: str | None) -> str | None:
        return profiles and require_no_secret(
            profiles, "PostgreSQL's client reads PGPASSWORD or PGPASSFILE", user=True
        )

    @field_validator("inbox")
    @classmethod
    def _inbox_holds_no_secret(cls, inbox: str | None) -> str | None:
        return inbox and require_no_secret(inbox, STORES_ASK)
