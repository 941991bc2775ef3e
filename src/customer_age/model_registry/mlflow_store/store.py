"""Versions in MLflow's model registry.

The files, metrics and settings of a version belong to an MLflow run. The run is created and filled
first. Then MLflow creates the version with its tags in one transaction; only versions count. A run
is `RUNNING` until its version exists.
"""

import contextlib
import functools
import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from customer_age.errors import RunError, explained_by, full_disk

from ..registry import BASELINE_VERSION, CHAMPION, FINGERPRINT, ModelVersion, Publication
from ..version_store import VersionStore
from . import downloads
from .database_revision import of_another_release
from .deleted import require_active, warn_of_deleted_run
from .saved_model import SAVED_MODEL, write_description
from .tracking import Server, SqliteFile

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

_FILES = "model"
"""The model's folder in a run's files."""

_NOT_A_CHAT = {"mlflow.experimentKind": "custom_model_development"}
"""Tag of the experiment: without it, MLflow's pages show the runs as those of a language model."""

_log = logging.getLogger(__name__)


def _translate(error: Exception) -> RunError | None:
    """Translate an error of MLflow, or of a library that it uses, to one line."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    if not isinstance(error, MlflowException | RequestException | SQLAlchemyError | sqlite3.Error):
        return None
    words = " ".join(str(error).split())
    if full_disk(error) is not None:
        words = "no space left on the disk of the registry or of its models; free some space"
    return of_another_release(words) or RunError(f"the model registry failed: {words[:500]}")


class MlflowStore(VersionStore):
    """One registered model, and the experiment with the same name that contains its runs."""

    def __init__(self, tracking: SqliteFile | Server, model_name: str):
        self._tracking = tracking
        self._name = model_name

    @contextmanager
    def exclusive(self) -> Iterator[None]:  # noqa: D102
        with contextlib.ExitStack() as held:
            explained_by(_translate)(held.enter_context)(self._tracking.exclusive())
            self._clear_away_unfinished()
            yield

    @explained_by(_translate)
    def versions(self) -> list[ModelVersion]:  # noqa: D102
        if not self._tracking.exists():
            return []
        aliases = self._aliases()
        runs = {run.info.run_id: run.data for run in self._runs(and_deleted=True)}
        return [
            ModelVersion(
                version=str(each.version),
                aliases=tuple(
                    sorted(name for name, at in aliases.items() if at == str(each.version))
                ),
                created=datetime.fromtimestamp(each.creation_timestamp / 1000, timezone.utc),
                metrics={_ours(name): value for name, value in run.metrics.items()} if run else {},
                tags=dict(each.tags),
                settings=dict(run.params) if run else {},
                uri=f"models:/{self._name}/{each.version}",
                description=each.description or "",
            )
            for each in self._mlflow_versions()
            for run in [runs.get(each.run_id)]
        ]

    @explained_by(_translate)
    def require_ready(self) -> None:  # noqa: D102
        if not self._tracking.exists():
            return
        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is not None:
            require_active(experiment, self._tracking.uri)
        champion = self._aliases().get(CHAMPION)
        for each in self._mlflow_versions():
            if str(each.version) == champion and each.run_id:
                warn_of_deleted_run(self._client, each.run_id, champion, self._tracking.uri)

    @explained_by(_translate)
    def champion(self) -> str | None:  # noqa: D102
        return self._aliases().get(CHAMPION) if self._tracking.exists() else None

    @explained_by(_translate)
    def set_champion(self, version: str) -> None:  # noqa: D102
        self._put(self._client.set_registered_model_alias, CHAMPION, version)
        _log.info("%s: alias set to version %s", self._name, version)

    @explained_by(_translate)
    def add(self, publication: Publication) -> None:  # noqa: D102
        tags = {**publication.tags, FINGERPRINT: publication.fingerprint}
        run = self._client.create_run(
            self._experiment(),
            tags={**tags, "mlflow.note.content": publication.description},
            run_name=publication.fingerprint,
        )
        run_id = run.info.run_id
        _log.info("%s: uploading %s as run %s", self._name, publication.model_dir, run_id)
        self._describe(run_id, publication)
        with tempfile.TemporaryDirectory() as scratch:
            write_description(Path(scratch), run_id)
            self._client.log_artifacts(run_id, scratch, _FILES)
        saved_model = f"{_FILES}/{SAVED_MODEL}"
        self._client.log_artifacts(run_id, str(publication.model_dir), saved_model)
        _log.info("%s: uploaded", self._name)
        self._ensure_registered()
        # It may be deleted meanwhile: a faster publisher of the same model removes it.
        with _tolerated("RESOURCE_DOES_NOT_EXIST"):
            made = self._client.create_model_version(
                self._name,
                source=f"{run.info.artifact_uri}/{_FILES}",
                run_id=run_id,
                tags={**tags, BASELINE_VERSION: publication.baseline_version},
                description=publication.description,
            )
            _log.info("%s: version %s is created", self._name, made.version)
            self._finish(run_id, made.version)

    @explained_by(_translate)
    def remove(self, version: str) -> None:  # noqa: D102
        for each in self._mlflow_versions():
            if str(each.version) == version:
                with _tolerated("RESOURCE_DOES_NOT_EXIST"):
                    self._client.delete_model_version(self._name, version)
                self._discard(each.run_id)

    @explained_by(_translate)
    def set_tag(self, version: str, name: str, value: str) -> None:  # noqa: D102
        self._put(self._client.set_model_version_tag, version, name, value)
        _log.info("%s: version %s tagged %s", self._name, version, name)

    @explained_by(_translate)
    def delete_tag(self, version: str, name: str) -> None:  # noqa: D102
        self._client.delete_model_version_tag(self._name, version, name)

    @explained_by(_translate)
    def download(self, version: str, folder: Path) -> None:  # noqa: D102
        recorded = self._client.get_model_version_download_uri(self._name, version)
        source = self._tracking.present_uri(recorded)
        downloads.download(source, self._tracking.uri, folder)

    @functools.cached_property
    def _client(self) -> "MlflowClient":
        # The project handles photos of people, so telemetry is off unless the user turns it on.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        for migrations in ("alembic", "mlflow.store.db.utils"):
            logging.getLogger(migrations).setLevel(logging.WARNING)
        from mlflow import MlflowClient

        self._tracking.prepare()
        return MlflowClient(tracking_uri=self._tracking.uri, registry_uri=self._tracking.uri)

    def _put(self, write: Callable[..., object], *value: str) -> None:
        """Set an alias or a tag.

        MLflow searches for the row, then inserts or updates it. If two publishers do so at the same
        time, one gets the error that the row exists. Its second call updates the row.
        """
        from mlflow.exceptions import MlflowException

        try:
            write(self._name, *value)
        except MlflowException as error:
            if error.error_code != "BAD_REQUEST":  # the code of a violated database constraint
                raise
            write(self._name, *value)

    def _describe(self, run_id: str, publication: Publication) -> None:
        from mlflow.entities import Metric, Param

        now = int(datetime.now().timestamp() * 1000)
        metrics = publication.metrics.items()
        self._client.log_batch(
            run_id,
            metrics=[Metric(_mlflows(name), value, now, 0) for name, value in metrics],
            params=[Param(name, value) for name, value in publication.settings.items()],
        )

    def _mlflow_versions(self) -> "list[MlflowVersion]":
        found = _pages(self._client.search_model_versions, filter_string=f"name = '{self._name}'")
        ready = [each for each in found if each.status == "READY"]
        return sorted(ready, key=lambda each: int(each.version))

    def _runs(self, filter_string: str = "", and_deleted: bool = False) -> "list[Run]":
        from mlflow.entities import ViewType

        experiment = self._client.get_experiment_by_name(self._name)
        if experiment is None:
            return []
        ids = [experiment.experiment_id]
        return list(
            _pages(
                self._client.search_runs,
                experiment_ids=ids,
                filter_string=filter_string,
                run_view_type=ViewType.ALL if and_deleted else ViewType.ACTIVE_ONLY,
            )
        )

    def _aliases(self) -> dict[str, str]:
        aliases: dict[str, str] = {}
        with _tolerated("RESOURCE_DOES_NOT_EXIST"):
            registered = self._client.get_registered_model(self._name)
            aliases = {alias: str(version) for alias, version in registered.aliases.items()}
        return aliases

    def _experiment(self) -> str:
        """Return the id of the experiment, which is created if it is missing."""
        with _tolerated("RESOURCE_ALREADY_EXISTS"):
            if self._client.get_experiment_by_name(self._name) is None:
                self._client.create_experiment(
                    self._name, self._tracking.artifact_location, tags=_NOT_A_CHAT
                )
        experiment = self._client.get_experiment_by_name(self._name)
        require_active(experiment, self._tracking.uri)
        return experiment.experiment_id

    def _ensure_registered(self) -> None:
        with _tolerated("RESOURCE_ALREADY_EXISTS"):
            self._client.create_registered_model(self._name)

    @explained_by(_translate)
    def _clear_away_unfinished(self) -> None:
        """End the runs of killed publishers; runs with a version stay."""
        running = "status = 'RUNNING'"
        if self._tracking.abandoned_after is not None:
            before = datetime.now() - self._tracking.abandoned_after
            running += f" and start_time <= {int(before.timestamp() * 1000)}"
        unfinished = self._runs(running)
        versions = {each.run_id: each.version for each in self._mlflow_versions()}
        for run in unfinished:
            if FINGERPRINT not in run.data.tags:
                continue  # not ours: someone else's run in our experiment
            if run.info.run_id in versions:
                self._finish(run.info.run_id, versions[run.info.run_id])
            else:
                _log.info("%s: clearing away run %s", self._name, run.info.run_id)
                self._discard(run.info.run_id)

    def _finish(self, run_id: str, version: str) -> None:
        with _tolerated("INVALID_PARAMETER_VALUE"):  # another publisher of this model deleted it
            self._client.update_run(run_id, name=f"version {version}")
            self._client.set_terminated(run_id, "FINISHED")

    def _discard(self, run_id: str) -> None:
        self._tracking.free(run_id)
        with _tolerated("INVALID_PARAMETER_VALUE"):
            self._client.set_terminated(run_id, "KILLED")
            self._client.delete_run(run_id)


@contextmanager
def _tolerated(code: str) -> Iterator[None]:
    """Ignore MLflow's error with a code, such as 'already exists' or 'does not exist'."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != code:
            raise


def _pages(search: Callable, **query: object) -> Iterator:
    token = None
    while True:
        page = search(**query, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _mlflows(name: str) -> str:
    """Return MLflow's name of a metric, which must not contain a plus: `mae/65 plus` for 65+."""
    return name.replace("+", " plus")


def _ours(name: str) -> str:
    return name.replace(" plus", "+")
