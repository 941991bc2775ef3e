"""Explain MLflow's error about a database of another MLflow release."""

import re
from pathlib import Path

from customer_age.errors import SettingsError

_OUT_OF_DATE = re.compile(r"found version (\w+), but expected (\w+)")


def of_another_release(reason: str) -> SettingsError | None:
    """Explain MLflow's error about a database whose tables have another revision.

    MLflow advises to upgrade such a database, which is wrong if a newer MLflow has upgraded it.

    Args:
        reason: MLflow's message, in one line.

    Returns:
        The error with the right advice, or None for any other reason.
    """
    if "out-of-date database schema" not in reason or not (found := _OUT_OF_DATE.search(reason)):
        return None
    database, installed = found.groups()
    if _is_known(database):
        remedy = "back it up, then run `mlflow db upgrade` with the database's URL"
    else:
        remedy = "a newer MLflow has upgraded it: install that version, or restore a backup"
    return SettingsError(
        f"registry.uri: the database has MLflow's revision {database}, and the installed MLflow "
        f"works with {installed}: {remedy}"
    )


def _is_known(revision: str) -> bool:
    """Return whether the installed MLflow has a migration script to or from a revision."""
    import mlflow
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations"))
    return revision in {script.revision for script in scripts.walk_revisions()}
