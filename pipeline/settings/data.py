"""The settings of the data: where photos are, how they are read and stored, what stops a run."""

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
    """Where the photos are, how they are stored, and when the run must stop for them."""

    path: str | None = Field(None, min_length=1)
    """The folder with the label table and the photos."""
    batches: tuple[str, ...] = ()
    """Names of the inbox's batches that the run learns from on top of `path`."""
    batch_cache: str | None = Field(None, min_length=1)
    """Where ingested photos are kept, to be decoded once; by default in the work folder."""
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

    @field_validator("path", "batch_cache", "person_key_file")
    @classmethod
    def _places_hold_no_secret(cls, place: str | None) -> str | None:
        return place and require_no_secret(place, STORES_ASK)

    @field_validator("path", "inbox", "batch_cache")
    @classmethod
    def _can_be_opened(cls, place: str | None) -> str | None:
        if place and addresses.is_remote(place):
            scheme, _, rest = place.partition("://")
            here = f"; write s3://{rest}, with ?endpoint=http://HOST:PORT where it is not AWS's"
            instead = f"components open s3:// and gs:// alone{here if scheme == 'minio' else ''}"
            address_forms.require_bucket(place, store.EXTRAS, instead)
        return place

    @field_validator("person_key_file")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path and "://" in path:
            raise ValueError(
                "is not a valid path: the key is read from a file of the machine or the container, "
                "such as a mounted Secret"
            )
        return path
