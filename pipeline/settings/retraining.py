"""The settings of retraining: when a run starts by itself, what it learns from, who is told."""

from pydantic import Field, field_validator

from customer_age.files import addresses
from customer_age.redaction import require_no_secret, url_parts
from customer_age.schema.strict_model import CENTURY_DAYS, MOST, StrictModel

from . import address_forms
from .model import MOST_EPOCHS

CENTURY_HOURS = 24 * CENTURY_DAYS

LEDGERS = ("sqlite", "postgresql")


class RetrainingSettings(StrictModel):
    """When new batches in `data.inbox` start a run, and how that run differs from others."""

    ledger: str | None = None
    """Where it is written down what became of each batch: SQLite in the work folder by default,
    or `postgresql://user@host:5432/database`. The password comes from PGPASSWORD or a pgpass
    file."""
    min_photos: int = Field(500, ge=1, le=MOST)
    """New photos that start a run."""
    max_wait_hours: float = Field(168, ge=0, le=CENTURY_HOURS)
    """From the arrival of a batch; one that waits longer starts a run, however small."""
    max_drift: float | None = Field(None, gt=0, le=1)
    """Distance of the new photos from those that the champion learnt from, as TFDV measures it,
    on age, brightness, sharpness or size; more starts a run. By default it is not measured."""
    cool_down_hours: float = Field(24, ge=0, le=CENTURY_HOURS)
    """After a run that trained, before the next new photos start one."""
    retry_hours: float = Field(1, ge=0, le=CENTURY_HOURS)
    """After a run that failed or whose data were refused, before its batches are tried again; the
    wait doubles from one to the next."""
    max_retry_hours: float = Field(24, ge=0, le=CENTURY_HOURS)
    """The longest such wait."""
    tries: int = Field(3, ge=1, le=1000)
    """Runs whose data are refused with a batch, the last of them with it alone, before it is set
    aside. A run that failed is none of them."""
    newest_batches: int | None = Field(20, ge=0, le=MOST)
    """The data window: as many batches, the newest, does a run learn from besides `data.path`;
    null: all. New ones always are in."""
    newest_days: float | None = Field(None, gt=0, le=CENTURY_DAYS)
    """The data window in days, back from the newest batch; both limits hold."""
    epochs: int | None = Field(2, ge=1, le=MOST_EPOCHS)
    """`trainer.epochs` of a run that starts from the champion's weights; null leaves it."""
    learning_rate: float | None = Field(1e-4, gt=0, le=1)
    """`trainer.learning_rate` of such a run; null leaves it."""

    @field_validator("ledger")
    @classmethod
    def _is_a_ledger(cls, ledger: str | None) -> str | None:
        if ledger is None:
            return None
        parts = url_parts(ledger)
        if parts.scheme not in LEDGERS:
            raise ValueError(
                "must be sqlite:////folder/ledger.sqlite or postgresql://user@host:5432/database"
            )
        require_no_secret(
            ledger, "set PGPASSWORD in the environment, or use a pgpass file", user=True
        )
        address_forms.require_host(ledger)
        if parts.scheme == "sqlite":
            _require_whole_path(ledger)
        return ledger


class NotifySettings(StrictModel):
    """Who is told of a run's end, and of a batch that is set aside.

    What must stay secret comes from the environment: CUSTOMER_AGE_NOTIFY_URL stands in for `url`
    where the address itself is a secret, and CUSTOMER_AGE_NOTIFY_HEADERS_FILE names a file with a
    line `Name: value` for each header.
    """

    url: str | None = None
    """Of a webhook; it is sent CloudEvents in JSON."""
    timeout_seconds: float = Field(10, gt=0, le=3600)
    """For one attempt, from the first byte of its name look-up to the last of the answer."""
    attempts: int = Field(3, ge=1, le=10)
    """At each look, a second apart, then two, four and so on."""

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        if url is None:
            return None
        check_address(url)
        return require_no_secret(
            url,
            "set CUSTOMER_AGE_NOTIFY_URL or CUSTOMER_AGE_NOTIFY_HEADERS_FILE in the environment",
        )


def _require_whole_path(ledger: str) -> None:
    """Raises `ValueError` where SQLite would look elsewhere, or not find a file's name."""
    path = addresses.sqlite_path(ledger)
    if "?" in ledger:
        raise ValueError("is not a valid ledger: SQLite takes no options; write %3F for a ? in it")
    if not path or not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError(
            "is not a valid ledger: name a file by its whole path, with four slashes: "
            "sqlite:////folder/ledger.sqlite"
        )


def check_address(url: str) -> None:
    """See that an event can be sent to an address.

    Raises:
        ValueError: it is no web address.
    """
    parts = url_parts(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be the address of a webhook, as in https://host/path")
    address_forms.require_host(url)
