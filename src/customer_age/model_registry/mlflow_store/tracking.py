"""The tracking store of MLflow: a SQLite file or a server."""

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
"""Seconds. MLflow's own client would try for minutes."""


_PROXY_ERRORS = (407, 502, 503, 504)
"""Answers of proxies and gateways if the server does not answer; MLflow's client would retry."""


class SqliteFile:
    """A database file, and the models' files in the folder `artifacts` next to it."""

    abandoned_after: timedelta | None = None
    """No waiting time: with the lock, an unfinished run can only be a killed publisher's."""

    def __init__(self, file: Path):
        self._file = file
        self._artifacts = file.parent / "artifacts"
        self.uri = _mlflow_url(file)
        self.artifact_location: str | None = self._artifacts.as_uri()

    def exists(self) -> bool:
        """Return whether anything was ever published here."""
        return self._file.is_file()

    def prepare(self) -> None:
        """Create the database in one step; the caller must be `exclusive`.

        MLflow runs all its migrations on a new database. A database whose creator was killed in
        between cannot be used. So the migrations run under another name.
        """
        if self.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        unfinished = self._file.with_name(f".{self._file.name}.unfinished")
        for leftover in (unfinished, unfinished.with_name(f"{unfinished.name}-journal")):
            leftover.unlink(missing_ok=True)

        # MlflowClient would put the default experiment's files into the current folder.
        store = SqlAlchemyStore(_mlflow_url(unfinished), str(self.artifact_location))
        store.engine.dispose()
        unfinished.replace(self._file)

    def present_uri(self, recorded: str) -> str:
        """Return the present URI of a file, which may have changed if the registry was moved."""
        return moved_files.present_uri(self._file, self._artifacts, recorded)

    def free(self, run_id: str) -> None:
        """Delete the files of a discarded run.

        Args:
            run_id: as recorded in the database; it may be empty for a version created by hand.
        """
        files = self._artifacts / run_id
        if _RUN_ID.fullmatch(run_id) and files.is_dir():
            shutil.rmtree(files)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Wait for other publishers and hold the lock, which ends at the latest with the process.

        Raises:
            SettingsError: the folder cannot be written to, or its file system has no locks.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"registry.uri: {self._file.parent} cannot be written to ({error.strerror})"
            ) from error
        lock_file = self._file.with_name(f".{self._file.name}.lock")
        with locks.held(lock_file, "registry.uri", patience=math.inf):
            if self.exists():
                moved_files.record_present_places(self._file, self._artifacts)
            yield


def _mlflow_url(file: Path) -> str:
    """Return the URL of a database with its driver: without one, MLflow does not decode the path.

    For a database in `a b`, it would also create the folder `a%20b`.
    """
    return addresses.sqlite_url(str(file)).replace("sqlite:", "sqlite+pysqlite:", 1)


class Server:
    """An MLflow server, which chooses the location of files itself."""

    artifact_location: str | None = None
    abandoned_after: timedelta | None = timedelta(days=1)
    """Nobody knows whether a publisher on another machine is running; none takes this long."""

    def __init__(self, uri: str):
        self.uri = uri

    def exists(self) -> bool:
        """Return True: a server can always be read."""
        return True

    def prepare(self) -> None:
        """Check that the server answers.

        Raises:
            SettingsError: there is no answer, or only a proxy answers.
        """
        opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies.proxies()))
        try:
            opener.open(f"{self.uri}/health", timeout=_UNREACHABLE_AFTER).close()
        except urllib.error.HTTPError as error:
            if error.code in _PROXY_ERRORS:
                raise self._unreachable(error) from error
            # Else the server answered; MLflow's client reports whether access is allowed.
        except OSError as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLError):
                return  # MLflow's client has settings of its own for certificates
            raise self._unreachable(reason) from error

    def _unreachable(self, reason: object) -> SettingsError:
        words = " ".join(str(reason).split())
        return SettingsError(
            f"registry.uri: no MLflow server answers at {self.uri}{proxies.proxy_hint(self.uri)}: "
            f"{words}"
        )

    def present_uri(self, recorded: str) -> str:
        """Return the recorded URI: a server knows the location of its files."""
        return recorded

    def free(self, run_id: str) -> None:
        """Do nothing: the server's operator deletes such files with `mlflow gc`."""

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Do not lock: others publish from other machines."""
        yield
