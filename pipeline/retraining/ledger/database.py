"""The ledger's tables and its database connection: SQLite or PostgreSQL, one code path.

Only one transaction writes at a time: SQLite's BEGIN IMMEDIATE and PostgreSQL's advisory lock make
the others wait. So the rows that a transaction reads do not change before it writes.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from customer_age.errors import RunError, SettingsError, explained_by, full_disk

from . import revisions

_PATIENCE_SECONDS = 60
"""How long a transaction waits for another one, and PostgreSQL for an idle client."""

_LOCK = int.from_bytes(hashlib.sha256(b"customer-age ledger").digest()[:8], "big", signed=True)


def _as_run_error(error: Exception) -> RunError | None:
    if not isinstance(error, SQLAlchemyError | OSError):
        return None
    if full_disk(error) is not None:
        return RunError(
            "the ledger (retraining.ledger) cannot be written: no space left on its disk; free "
            "some space, and the next check continues where this one stopped"
        )
    message = " ".join(str(getattr(error, "orig", None) or error).split())
    return RunError(f"the ledger (retraining.ledger) failed: {message[:300]}")


explained = explained_by(_as_run_error)
"""Decorates methods that use the database: raises each database error as one line."""


class Utc(TypeDecorator[datetime]):
    """A time in UTC; SQLite stores no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: D102
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: D102
        if value is None:
            return None
        return (
            value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
        )


METADATA = MetaData()
"""The tables at revision `revisions.HEAD`; each change needs a script in `migrations`."""

RUNS = Table(
    "retraining_runs",
    METADATA,
    Column("pipeline", String(63), primary_key=True),
    Column("run_id", String(63), primary_key=True),
    Column("state", String(20), nullable=False),
    # True, or NULL when the run has ended: the constraint below allows one active run at a time.
    Column("active", Boolean),
    Column("why", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("settings", Text, nullable=False),
    # Names of the new batches, as JSON: a batch itself refers only to its last run.
    Column("new_batches", Text, nullable=False),
    Column("planned_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # The trigger that is starting it now, and until when no other one may.
    Column("held_by", String(63)),
    Column("held_until", Utc),
    # True if someone requested to continue as if it had not failed.
    Column("forgiven", Boolean),
    UniqueConstraint("pipeline", "active", name="retraining_one_active_run"),
)

BATCHES = Table(
    "retraining_batches",
    METADATA,
    Column("pipeline", String(63), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("state", String(20), nullable=False),
    # Digest of the photos and their table; NULL if another batch has the same content.
    Column("content", String(64)),
    Column("same_as", String(255)),
    Column("photos", Integer, nullable=False),
    Column("arrived_at", Utc, nullable=False),
    Column("found_at", Utc, nullable=False),
    # The run that has it, or the last one that trained on it or failed with it.
    Column("run_id", String(63)),
    Column("tries", Integer, nullable=False, default=0),
    Column("tried_at", Utc),
    # The largest number of new batches in its next run; NULL: no limit.
    Column("together", Integer),
    Column("reason", Text, nullable=False, default=""),
    # Drift of it and the batches that waited before it from the champion's data, as JSON.
    Column("drift", Text),
    # The upload that was read last, as JSON; NULL for batches that release 0.1 entered.
    Column("upload", Text),
    UniqueConstraint("pipeline", "content", name="retraining_content_once"),
    ForeignKeyConstraint(
        ["pipeline", "run_id"], ["retraining_runs.pipeline", "retraining_runs.run_id"]
    ),
)

EVENTS = Table(
    "retraining_events",
    METADATA,
    Column("pipeline", String(63), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("type", String(63), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("happened_at", Utc, nullable=False),
    Column("data", Text, nullable=False),
    # Until when only the trigger that is sending it may send it.
    Column("held_until", Utc),
    Column("sent_at", Utc),
    # Why it will not be sent any more; NULL while it may be sent.
    Column("dead", String(255)),
)


class Database:
    """Transactions on the ledger's tables; the first one creates or migrates the tables."""

    def __init__(self, uri: str):
        """Set the database's address; nothing is opened yet.

        Args:
            uri: `sqlite:////folder/ledger.sqlite` or `postgresql://user@host:port/database`.

        Raises:
            SettingsError: the address is not valid, or PostgreSQL's client is not installed.
        """
        url = _url(uri)
        self.place = url.render_as_string(hide_password=True)
        self._engine = _engine(url)
        self._ready = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction that makes all others wait; an error rolls it back."""
        if not self._ready and self._engine.dialect.name == "sqlite":
            Path(str(self._engine.url.database)).parent.mkdir(parents=True, exist_ok=True)
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                _wait_for_the_others(connection)
            if not self._ready:
                revisions.bring_to_head(connection, self.place)
            yield connection
        self._ready = True


def _url(uri: str) -> URL:
    try:
        url = make_url(uri)
    except ArgumentError:
        raise SettingsError(f"retraining.ledger: {uri} is not a valid database address") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if (
        url.get_backend_name() != "sqlite"
        or not url.database
        or not Path(url.database).is_absolute()
    ):
        raise SettingsError(
            "retraining.ledger: must be sqlite:////folder/ledger.sqlite, with four slashes, or "
            "postgresql://user@host:5432/database"
        )
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _PATIENCE_SECONDS})
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    try:
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    except ImportError:
        raise SettingsError("retraining.ledger: install customer-age[postgres]") from None


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _wait_for_the_others(connection: Connection) -> None:
    for timeout in ("lock_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {timeout} = '{_PATIENCE_SECONDS}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
