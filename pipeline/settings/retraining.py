"""The settings of retraining: when a run starts, what it trains on, and who is notified."""

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
    """Database with the state of each batch: by default SQLite in the work folder, or
    `postgresql://user@host:5432/database`. The password comes from PGPASSWORD or a pgpass
    file."""
    min_photos: int = Field(500, ge=1, le=MOST)
    """New photos that start a run."""
    max_wait_hours: float = Field(168, ge=0, le=CENTURY_HOURS)
    """Hours since a batch arrived; a batch that waits longer starts a run, even a small one."""
    max_drift: float | None = Field(None, gt=0, le=1)
    """TFDV distance between the new photos and those that the champion was trained on, in age,
    brightness, sharpness or size; a larger one starts a run. By default it is not measured."""
    cool_down_hours: float = Field(24, ge=0, le=CENTURY_HOURS)
    """Hours after a run that trained, before new photos start the next one."""
    retry_hours: float = Field(1, ge=0, le=CENTURY_HOURS)
    """Hours before batches are retried after a run that failed or whose data were refused; the
    wait doubles with each such run."""
    max_retry_hours: float = Field(24, ge=0, le=CENTURY_HOURS)
    """Longest such wait."""
    tries: int = Field(3, ge=1, le=1000)
    """Runs with refused data before a batch is set aside; the last of them has this batch alone. A
    run that failed does not count."""
    newest_batches: int | None = Field(20, ge=0, le=MOST)
    """Data window: a run trains on this many of the newest batches, in addition to `data.path`;
    null: on all. New batches are always included."""
    newest_days: float | None = Field(None, gt=0, le=CENTURY_DAYS)
    """Data window in days, back from the newest batch; both limits apply."""
    epochs: int | None = Field(2, ge=1, le=MOST_EPOCHS)
    """`trainer.epochs` of a run that starts from the champion's weights; null does not change
    it."""
    learning_rate: float | None = Field(1e-4, gt=0, le=1)
    """`trainer.learning_rate` of such a run; null does not change it."""

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
    """Notifications when a run ends and when a batch is set aside.

    Secrets come from the environment: CUSTOMER_AGE_NOTIFY_URL replaces `url` if the address itself
    is a secret, and CUSTOMER_AGE_NOTIFY_HEADERS_FILE is the path of a file with a line
    `Name: value` for each header.
    """

    url: str | None = None
    """Address of a webhook that receives CloudEvents as JSON."""
    timeout_seconds: float = Field(10, gt=0, le=3600)
    """Time limit of one attempt, from the DNS lookup to the last byte of the response."""
    attempts: int = Field(3, ge=1, le=10)
    """Attempts at each check: one second apart, then two, four and so on."""

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
    """Raise `ValueError` if SQLite would open another file, or finds no file name."""
    path = addresses.sqlite_path(ledger)
    if "?" in ledger:
        raise ValueError("is not a valid ledger: SQLite takes no options; write %3F for a ? in it")
    if not path or not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise ValueError(
            "is not a valid ledger: write the file's absolute path, with four slashes: "
            "sqlite:////folder/ledger.sqlite"
        )


def check_address(url: str) -> None:
    """Check that events can be sent to an address.

    Raises:
        ValueError: it is not a valid web address.
    """
    parts = url_parts(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be the address of a webhook, for example https://host/path")
    address_forms.require_host(url)
