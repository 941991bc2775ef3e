"""The settings of the data: where photos are, how they are read and stored, when a run stops."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from customer_age.files import addresses, store
from customer_age.labels import LabelSpec, SplitSpec
from customer_age.labels.spec import STORES_ASK
from customer_age.photos.spec import PhotoSpec
from customer_age.redaction import require_no_secret
from customer_age.schema.batch_names import BATCH_NAME
from customer_age.schema.strict_model import MOST

from . import address_forms

PATHS = ("path", "inbox", "batch_cache", "profiles", "person_key_file")
"""Settings that may be paths."""

Share = Annotated[float, Field(ge=0, le=1)]


class DataSettings(LabelSpec, SplitSpec, PhotoSpec):
    """Where the photos are, how they are stored, and when they stop a run."""

    path: str | None = Field(None, min_length=1)
    """The folder with the label table and the photos."""
    batches: tuple[str, ...] = ()
    """Names of batches in the inbox that the run trains on, in addition to `path`."""
    batch_cache: str | None = Field(None, min_length=1)
    """Folder for ingested photos, so that each is decoded once; by default in the work folder."""
    max_refused_share: Share = 0.05
    """Share of the table's rows that may be refused; a larger share stops the run."""
    max_wrong_ages: int = Field(0, ge=0, le=MOST)
    """Rows whose age may be invalid (999, -1, 'old'); more stop the run. Even one is a sign of a
    broken table."""

    @field_validator("batches")
    @classmethod
    def _batches_are_names(cls, batches: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if batches and "inbox" in info.data and not info.data["inbox"]:
            raise ValueError("batches are set, but data.inbox is not")
        for batch in batches:
            if not BATCH_NAME.fullmatch(batch):
                raise ValueError(f"{batch!r} is not a valid batch name: give a folder of the inbox")
        return tuple(sorted(set(batches)))  # the order does not change the run

    @field_validator("path", "batch_cache", "person_key_file")
    @classmethod
    def _paths_hold_no_secret(cls, location: str | None) -> str | None:
        return location and require_no_secret(location, STORES_ASK)

    @field_validator("path", "inbox", "batch_cache")
    @classmethod
    def _can_be_opened(cls, location: str | None) -> str | None:
        if location and addresses.is_remote(location):
            scheme, _, rest = location.partition("://")
            here = f"; write s3://{rest}, with ?endpoint=http://HOST:PORT if it is not on AWS"
            instead = f"components open only s3:// and gs://{here if scheme == 'minio' else ''}"
            address_forms.require_bucket(location, store.EXTRAS, instead)
        return location

    @field_validator("person_key_file")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path and "://" in path:
            raise ValueError(
                "is not a valid path: the key is read from a file on the machine or in the "
                "container, such as a mounted Secret"
            )
        return path
