"""Find the files of an embedded registry that was moved or copied: they are next to its database.

MLflow records the location of each file as an absolute URI. If the folder was moved, the recorded
URI names the old path, which may not exist or may belong to someone else.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_EXPERIMENTS = "experiments"
_COLUMNS = {
    _EXPERIMENTS: ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""The columns in which MLflow records a location, by table."""

_PATIENCE_SECONDS = 60

_log = logging.getLogger(__name__)


def present_uri(database: Path, artifacts: Path, recorded: str) -> str:
    """Find a file or folder that is recorded with an earlier path of the registry.

    Args:
        database: of MLflow.
        artifacts: the present folder of all files.
        recorded: the URI of a file or folder.

    Returns:
        Its URI in `artifacts`, or the recorded URI if it is not there.
    """
    with contextlib.closing(_open(database)) as connection:
        return _present(recorded, _recorded_roots(connection), artifacts) or recorded


def record_present_places(database: Path, artifacts: Path) -> None:
    """Record the present location of all files in `artifacts`, in one transaction.

    MLflow writes a new run's files to its experiment's recorded location, so call this before any
    write. Files that are not in `artifacts` keep their recorded location.

    Args:
        database: of MLflow; the caller must hold the lock of publishers.
        artifacts: the present folder of all files.

    Raises:
        sqlite3.Error: the database cannot be read or written.
    """
    with contextlib.closing(_open(database)) as connection:
        earlier = [root for root in _recorded_roots(connection) if not _is(root, artifacts)]
        if not earlier:
            return
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            for table, column in _recorded_columns(connection):
                for (uri,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}"):
                    must_be_here = table != _EXPERIMENTS
                    present = uri and _present(uri, earlier, artifacts, must_be_here)
                    if present:
                        update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
                        connection.execute(update, (present, uri))
        _log.info("the registry was moved from %s to %s", ", ".join(earlier), artifacts)


def _open(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(str(database), timeout=_PATIENCE_SECONDS, isolation_level=None)


def _recorded_roots(connection: sqlite3.Connection) -> list[str]:
    """Return the URIs of the folder of all files at the time when its experiments were created.

    MLflow's default experiment has the sub-folder `0`, and the experiments of our models have the
    folder itself.
    """
    folders: dict[str, None] = {}
    for number, uri in connection.execute(
        f"SELECT experiment_id, artifact_location FROM {_EXPERIMENTS} "
        "WHERE artifact_location LIKE 'file:///%' ORDER BY experiment_id"
    ):
        folder = uri.removesuffix("/0") if number == 0 else uri
        if folder.endswith("/artifacts"):
            folders[folder] = None
    return list(folders)


def _recorded_columns(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table, columns in _COLUMNS.items():  # some are missing in MLflow's earlier releases
        there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        yield from ((table, column) for column in columns if column in there)


def _present(uri: str, roots: list[str], artifacts: Path, must_be_here: bool = True) -> str | None:
    for root in roots:
        if uri == root or uri.startswith(f"{root}/"):
            place = artifacts / unquote(uri.removeprefix(root)).lstrip("/")
            if place.exists() or not must_be_here:
                return place.as_uri()
    return None


def _is(root: str, artifacts: Path) -> bool:
    """Return whether a URI names this folder, directly or through a link."""
    recorded = Path(unquote(root.removeprefix("file://")))
    there = recorded.exists() and artifacts.exists()
    return recorded == artifacts or (there and recorded.samefile(artifacts))
