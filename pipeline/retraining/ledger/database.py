"""The ledger's tables, and how its database is reached: SQLite or PostgreSQL, one code path.

Every transaction is the only one that writes: SQLite's BEGIN IMMEDIATE and PostgreSQL's advisory
lock keep the others waiting. So what a transaction reads stays true until it has written.
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
"""How long a transaction waits for another one, and PostgreSQL for a client that says nothing."""

_LOCK = int.from_bytes(hashlib.sha256(b"customer-age ledger").digest()[:8], "big", signed=True)


def _as_run_error(error: Exception) -> RunError | None:
    if not isinstance(error, SQLAlchemyError | OSError):
        return None
    if full_disk(error) is not None:
        return RunError(
            "the ledger (retraining.ledger) cannot be written: no space left on its disk; free "
            "some, and the next check continues where this one stopped"
        )
    message = " ".join(str(getattr(error, "orig", None) or error).split())
    return RunError(f"the ledger (retraining.ledger) failed: {message[:300]}")


explained = explained_by(_as_run_error)
"""Decorates what asks the database: whatever it complains of is one line."""


class Utc(TypeDecorator[datetime]):
    """A moment, in UTC; SQLite keeps no time zones."""

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
"""The tables at revision `revisions.HEAD`; who changes them adds a script to `migrations`."""

RUNS = Table(
    "retraining_runs",
    METADATA,
    Column("pipeline", String(63), primary_key=True),
    Column("run_id", String(63), primary_key=True),
    Column("state", String(20), nullable=False),
    # True, or NULL when the run has ended: the constraint below lets one run at a time be active.
    Column("active", Boolean),
    Column("why", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("settings", Text, nullable=False),
    # Names of the new ones, as JSON: a batch itself points only at the run that it was in last.
    Column("new_batches", Text, nullable=False),
    Column("planned_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # Who is starting it now, and until when nobody else may.
    Column("held_by", String(63)),
    Column("held_until", Utc),
    # True where someone asked to go on as if it had not failed.
    Column("forgiven", Boolean),
    UniqueConstraint("pipeline", "active", name="retraining_one_active_run"),
)

BATCHES = Table(
    "retraining_batches",
    METADATA,
    Column("pipeline", String(63), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("state", String(20), nullable=False),
    # Of the photos and their table; NULL where another batch has the same.
    Column("content", String(64)),
    Column("same_as", String(255)),
    Column("photos", Integer, nullable=False),
    Column("arrived_at", Utc, nullable=False),
    Column("found_at", Utc, nullable=False),
    # The run that has it, was trained on it, or failed with it last.
    Column("run_id", String(63)),
    Column("tries", Integer, nullable=False, default=0),
    Column("tried_at", Utc),
    # At most so many batches may be new in its next run; NULL: any number.
    Column("together", Integer),
    Column("reason", Text, nullable=False, default=""),
    # How far it and the batches that waited before it were from the champion's, as JSON.
    Column("drift", Text),
    # The upload that was read last, as JSON; NULL of batches that release 0.1 entered.
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
    # Who is sending it now, and until when nobody else may.
    Column("held_until", Utc),
    Column("sent_at", Utc),
    # Why it will not be sent any more; NULL while it may.
    Column("dead", String(255)),
)


class Database:
    """Transactions on the ledger's tables, which the first one makes or brings up to date."""

    def __init__(self, uri: str):
        """Say where the database is; nothing is opened yet.

        Args:
            uri: `sqlite:////folder/ledger.sqlite` or `postgresql://user@host:port/database`.

        Raises:
            SettingsError: it is neither, or PostgreSQL's client is not installed.
        """
        url = _url(uri)
        self.place = url.render_as_string(hide_password=True)
        self._engine = _engine(url)
        self._ready = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that keeps all other ones waiting; it is undone where an error passes."""
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
        raise SettingsError(f"retraining.ledger: {uri} is not the address of a database") from None
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
