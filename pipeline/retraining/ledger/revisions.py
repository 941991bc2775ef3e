"""Brings a ledger's tables to the revision that this release works with, by alembic.

A release that needs other tables adds a script to `migrations/versions` and makes it `HEAD`. A
ledger of release 0.1 knows no revisions; its tables are those of the first one.
"""

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from customer_age.errors import RunError, SettingsError

HEAD = "0.2"
"""The newest script's revision. Stated here, since reading the scripts takes alembic."""

SCRIPTS = Path(__file__).with_name("migrations")

_alembic = threading.Lock()
"""Alembic keeps what it works on in global variables."""


def bring_to_head(connection: Connection, place: str) -> None:
    """Migrate a ledger where it is not at `HEAD`; a new one from nothing.

    Args:
        connection: in a transaction that keeps all other ones waiting.
        place: names the database in messages.

    Raises:
        SettingsError: a newer release has migrated it.
        RunError: the account may not.
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
            f"the ledger (retraining.ledger) at {place} could not be brought to revision {HEAD} "
            f"({reason[:200]}): open it once with an account that owns its tables; see "
            "docs/retraining.md"
        ) from error


def _revision(connection: Connection) -> str | None:
    """A ledger's revision; None where it has none, as a new one and one of release 0.1."""
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
            f"retraining.ledger: a newer release of customer-age has brought {place} to revision "
            f"{revision}, and this one knows none after {HEAD}: install the newer release"
        )
    command.upgrade(config, "head")
