"""Migrates a ledger's tables to the revision that this release needs, with alembic.

A release that needs other tables adds a script to `migrations/versions` and makes it `HEAD`. A
ledger of release 0.1 has no revision; its tables are those of the first revision.
"""

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from customer_age.errors import RunError, SettingsError

HEAD = "0.2"
"""The newest script's revision. It is a constant because only alembic can read the scripts."""

SCRIPTS = Path(__file__).with_name("migrations")

_alembic = threading.Lock()
"""Held while alembic runs, because alembic keeps its state in global variables."""


def bring_to_head(connection: Connection, place: str) -> None:
    """Migrate a ledger that is not at `HEAD`; create the tables of a new one.

    Args:
        connection: a connection in a transaction that makes all others wait.
        place: the name of the database in messages.

    Raises:
        SettingsError: a newer release has migrated the ledger.
        RunError: the account is not allowed to migrate it.
    """
    revision = _revision(connection)
    if revision == HEAD:
        return
    try:
        with _alembic:
            _migrate(connection, revision, place)
    except ProgrammingError as error:
        reason = " ".join(str(error.orig).split())
        raise RunError(
            f"the ledger (retraining.ledger) at {place} could not be migrated to revision {HEAD} "
            f"({reason[:200]}): open it once with an account that owns its tables; see "
            "docs/retraining.md"
        ) from error


def _revision(connection: Connection) -> str | None:
    """Return a ledger's revision; None for a new ledger and for one of release 0.1."""
    if not inspect(connection).has_table("retraining_revision"):
        return None
    return connection.scalar(text("SELECT version_num FROM retraining_revision"))


def _migrate(connection: Connection, revision: str | None, place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise SettingsError(
            f"retraining.ledger: a newer release of customer-age has migrated {place} to revision "
            f"{revision}, but this release supports at most {HEAD}: install the newer release"
        )
    command.upgrade(config, "head")
