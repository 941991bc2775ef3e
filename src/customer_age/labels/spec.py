"""What the settings say of label tables: where they are, and how they are read."""

from typing import Literal

from pydantic import Field, field_validator

from customer_age.redaction import require_no_secret
from customer_age.schema.strict_model import CENTURY_DAYS, MOST, StrictModel

STORES_ASK = "object stores read their credentials from the environment"


class LabelSpec(StrictModel):
    """How the data set and the inbox's batches are read."""

    layout: Literal["auto", "hand_out", "appa_real", "loyalty_card"] = "auto"
    columns: dict[str, str] = {}
    """What the label tables call `file_name`, `real_age`, `person`, `batch`, `split`,
    `captured_at`, `date_of_birth`, `consent` or `updated_at`, where that is not the layout's own
    name."""
    keep_columns: tuple[str, ...] = ()
    """Further columns of the label tables to keep in the examples; all others are left out."""
    face_crops: bool = True
    """APPA-REAL release: take the face crop beside a photo where there is one."""
    inbox: str | None = Field(None, min_length=1)
    """The folder, or `gs://` or `s3://` address, of loyalty-card batches: each a sub-folder with
    `photos.csv`, its photos, and an empty `_SUCCESS` that is written last."""
    profiles: str | None = Field(None, min_length=1)
    """Where the profiles of loyalty cards are, if not in `cards.csv` of the batch or the inbox: a
    table, or SQLAlchemy's URL of a database, with `#table` behind it and without a password."""
    max_profile_age_days: int | None = Field(None, ge=0, le=CENTURY_DAYS)
    """A profile whose `updated_at` was older than this when the photo was taken is stale."""
    max_photos_per_card: int | None = Field(20, ge=1, le=MOST)
    """In one batch; a card that is shown more often is hardly one person's."""
    person_key_file: str | None = Field(None, min_length=1)
    """Path of the secret that keys the hash of a person, such as a mounted one. The
    same for every run; by default one is made in the work folder."""

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
