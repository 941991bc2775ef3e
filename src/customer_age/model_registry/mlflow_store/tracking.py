"""Where MLflow keeps its records: a SQLite file, or a server."""

import contextlib
import math
import re
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from customer_age.errors import SettingsError
from customer_age.files import addresses, locks

from .. import proxies
from . import moved_files

_RUN_ID = re.compile("[0-9a-f]{32}")

_UNREACHABLE_AFTER = 10
"""Seconds. MLflow's client itself would try for minutes."""


_FROM_IN_BETWEEN = (407, 502, 503, 504)
"""What proxies and gateways answer for a server that is away; MLflow's client goes on trying."""


class SqliteFile:
    """A database file, and the models' files in the folder `artifacts` beside it."""

    abandoned_after: timedelta | None = None
    """At once: one publisher holds the lock, so nobody works on what another left unfinished."""

    def __init__(self, file: Path):
        self._file = file
        self._artifacts = file.parent / "artifacts"
        self.uri = _mlflow_url(file)
        self.artifact_location: str | None = self._artifacts.as_uri()

    def exists(self) -> bool:
        """Whether anything was ever published here."""
        return self._file.is_file()

    def prepare(self) -> None:
        """Make the database, whole or not at all; only for a caller that is `exclusive`.

        MLflow takes a new database through all its migrations, and one whose maker was killed
        among them is of no use. So they happen under another name.
        """
        if self.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        unfinished = self._file.with_name(f".{self._file.name}.unfinished")
        for leftover in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
            leftover.unlink(missing_ok=True)

        # MlflowClient would give the database's own experiment a place under the current folder.
        store = SqlAlchemyStore(_mlflow_url(unfinished), str(self.artifact_location))
        store.engine.dispose()
        unfinished.replace(self._file)

    def present_uri(self, recorded: str) -> str:
        """Where a file lies whose place was recorded before the registry was moved, perhaps."""
        return moved_files.present_uri(self._file, self._artifacts, recorded)

    def free(self, run_id: str) -> None:
        """Delete the files of a run that is not to be.

        Args:
            run_id: as the database records it; of a version made by hand, it may be empty.
        """
        files = self._artifacts / run_id
        if _RUN_ID.fullmatch(run_id) and files.is_dir():
            shutil.rmtree(files)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait for any other publisher; the system lets go when a process ends, however it ends.

        Raises:
            SettingsError: the folder cannot be written, or its file system has no locks.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"registry.uri: {self._file.parent} cannot be written ({error.strerror})"
            ) from error
        lock_file = self._file.with_name(f".{self._file.name}.lock")
        with locks.held(lock_file, "registry.uri", patience=math.inf):
            if self.exists():
                moved_files.record_present_places(self._file, self._artifacts)
            yield


def _mlflow_url(file: Path) -> str:
    """The URL of a database with its driver: of one without, MLflow takes the path undecoded.

    It would make the folder `a%20b` for a database in `a b`, besides opening the right one.
    """
    return addresses.sqlite_url(str(file)).replace("sqlite:", "sqlite+pysqlite:", 1)


class Server:
    """An MLflow server, which knows itself where files go."""

    artifact_location: str | None = None
    abandoned_after: timedelta | None = timedelta(days=1)
    """Whether a publisher elsewhere is still alive, nobody can tell; none takes that long."""

    def __init__(self, uri: str):
        self.uri = uri

    def exists(self) -> bool:
        """Whether anything can be read."""
        return True

    def prepare(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            SettingsError: nobody answers, or a proxy does in its place.
        """
        opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies.proxies()))
        try:
            opener.open(f"{self.uri}/health", timeout=_UNREACHABLE_AFTER).close()
        except urllib.error.HTTPError as error:
            if error.code in _FROM_IN_BETWEEN:
                raise self._unreachable(error) from error
            # Else an answer; whether it may be used, MLflow's client will tell.
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLError):
                return  # MLflow's client has settings of its own for certificates
            raise self._unreachable(reason) from error

    def _unreachable(self, reason: object) -> SettingsError:
        words = " ".join(str(reason).split())
        return SettingsError(
            f"registry.uri: no MLflow server answers at {self.uri}{proxies.through(self.uri)}: "
            f"{words}"
        )

    def present_uri(self, recorded: str) -> str:
        """The same: a server knows where its files are."""
        return recorded

    def free(self, run_id: str) -> None:
        """Leave the files to `mlflow gc`, which the server's operator may call."""

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep nobody out: others publish from other machines."""
        yield
