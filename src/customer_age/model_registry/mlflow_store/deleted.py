"""Explain how to restore deleted MLflow experiments and runs, which `mlflow gc` would remove."""

import logging
from typing import TYPE_CHECKING

from customer_age.errors import SettingsError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_log = logging.getLogger(__name__)


def require_active(experiment: "Experiment", tracking_uri: str) -> None:
    """Refuse a deleted experiment: it still has its name, but new runs cannot be added.

    Raises:
        SettingsError: it is deleted.
    """
    if experiment.lifecycle_stage != "active":
        number = experiment.experiment_id
        restored = _restored(f"experiments restore -x {number}", tracking_uri)
        raise SettingsError(
            f"registry.uri: MLflow's experiment {number}, {experiment.name}, is deleted, so "
            f"nothing can be published: {restored}, or choose another registry.model_name"
        )


def warn_of_deleted_run(
    client: "MlflowClient", run_id: str, version: str, tracking_uri: str
) -> None:
    """Warn if the run with the champion's files is deleted.

    Raises:
        SettingsError: the run was removed permanently, together with its files.
    """
    from mlflow.exceptions import MlflowException

    try:
        stage = client.get_run(run_id).info.lifecycle_stage
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise SettingsError(
            f"registry.uri: MLflow's run {run_id} of version {version}, the champion, was removed "
            "together with its files: make another version the champion with `customer-age "
            "models rollback`"
        ) from error
    if stage != "active":
        _log.warning(
            "registry.uri: MLflow's run %s of version %s, the champion, is deleted, and "
            "`mlflow gc` would remove its files: %s",
            run_id,
            version,
            _restored(f"runs restore --run-id {run_id}", tracking_uri),
        )


def _restored(command: str, tracking_uri: str) -> str:
    return f"restore it with `MLFLOW_TRACKING_URI={tracking_uri} mlflow {command}`"
