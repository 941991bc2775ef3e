"""The settings of the data: where photos are, how they are stored, what is asked of them."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from customer_age.schema.batch_names import BATCH_NAME

from .section import CENTURY_DAYS, MOST, SECRET_NAME, Section, url_parts

PATHS = ("path", "inbox", "batch_cache", "profiles", "person_key_file")
"""Settings that may be paths."""

Share = Annotated[float, Field(ge=0, le=1)]


class SplitShares(Section):
    """Shares of the photos, where the data set brings no splits of its own."""

    train: float = Field(0.8, gt=0, lt=1)
    valid: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.1, gt=0, lt=1)

    @model_validator(mode="after")
    def _make_a_whole(self) -> "SplitShares":
        total = self.train + self.valid + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train, valid and test must add up to 1, not {total:g}")
        return self


class DataSettings(Section):
    """Where the photos are, how they are stored, and when the run must stop for them."""

    path: str | None = None
    """The folder with the label table and the photos."""
    layout: Literal["auto", "hand_out", "appa_real", "loyalty_card"] = "auto"
    columns: dict[str, str] = {}
    """What the label tables call `file_name`, `real_age`, `person`, `batch`, `split`,
    `captured_at`, `date_of_birth`, `consent` or `updated_at`, where that is not the layout's own
    name."""
    keep_columns: tuple[str, ...] = ()
    """Further columns of the label tables to keep in the examples; all others are left out."""
    face_crops: bool = True
    """APPA-REAL release: take the face crop beside a photo where there is one."""
    stored_size: int = Field(256, ge=32, le=2048)
    """Pixels; a photo's shorter side is shrunk to this once, at ingestion."""
    min_size: int = Field(32, ge=1, le=2048, validate_default=True)
    """Pixels; a photo whose shorter side is below this is refused."""
    jpeg_quality: int = Field(92, ge=50, le=100)
    split_shares: SplitShares = SplitShares()
    split_key: str = Field("customer-age", min_length=1)
    """Keys the hash that gives a photo its split, and is no secret; another key deals the photos
    anew."""
    inbox: str | None = None
    """The folder, or `gs://` or `s3://` address, of loyalty-card batches: each a sub-folder with
    `photos.csv`, its photos, and an empty `_SUCCESS` that is written last."""
    batches: tuple[str, ...] = ()
    """Names of the inbox's batches that the run learns from on top of `path`."""
    batch_cache: str | None = None
    """Where ingested batches are kept, to be decoded once; by default in the work folder."""
    profiles: str | None = None
    """Where the profiles of loyalty cards are, if not in `cards.csv` of the batch or the inbox: a
    table, or SQLAlchemy's URL of a database, with `#table` behind it and without a password."""
    max_profile_age_days: int | None = Field(None, ge=0, le=CENTURY_DAYS)
    """A profile whose `updated_at` was older than this when the photo was taken is stale."""
    max_photos_per_card: int | None = Field(20, ge=1, le=MOST)
    """In one batch; a card that is shown more often is hardly one person's."""
    person_key_file: str | None = None
    """Path of the secret that keys the hash which stands for a person, such as a mounted one. The
    same for every run; by default one is made in the work folder."""
    max_refused_share: Share = 0.05
    """Share of the table's rows; more photos refused than this stop the run."""
    max_wrong_ages: int = Field(0, ge=0, le=MOST)
    """Rows whose age is no age (999, -1, 'old'). One is a sign of a broken table."""

    @field_validator("batches")
    @classmethod
    def _batches_are_names(cls, batches: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if batches and "inbox" in info.data and not info.data["inbox"]:
            raise ValueError("batches are given, but no inbox that they lie in")
        for batch in batches:
            if not BATCH_NAME.fullmatch(batch):
                raise ValueError(f"{batch!r} is no name of a batch: it is a folder of the inbox")
        return tuple(sorted(set(batches)))  # the order makes no other run

    @field_validator("profiles")
    @classmethod
    def _profiles_hold_no_secret(cls, profiles: str | None) -> str | None:
        parts = url_parts(profiles or "")
        if parts.password is not None or SECRET_NAME.search(parts.query):
            raise ValueError(
                "must hold no password: settings are written down. PostgreSQL's client reads "
                "PGPASSWORD or PGPASSFILE"
            )
        return profiles

    @field_validator("min_size")
    @classmethod
    def _sizes_fit(cls, min_size: int, info: ValidationInfo) -> int:
        if min_size > info.data.get("stored_size", min_size):
            raise ValueError(
                f"{min_size} is above stored_size {info.data['stored_size']}: "
                "every photo would be refused or blown up"
            )
        return min_size
