"""RegistryPusher's executor."""

from datetime import datetime, timezone
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor
from tfx.types import artifact_utils

from customer_age.files.store import local_copy
from customer_age.model_registry import RUN_ID, open_registry, run_again

from ..artifacts import evaluation, json_file, training
from ..artifacts.ingestion import read_ingestion
from ..artifacts.training import Training
from ..run_parameters import from_properties
from . import drift
from .lineage import Lineage
from .model_card import Baseline, publication


class Executor(executor.Executor):
    """TFX's Pusher, with a model registry as the destination."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Publish the model if the Evaluator and, if there is one, the Canary blessed it."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return

        def uri(name: str) -> str:
            return artifact_utils.get_single_uri(input_dict[name])

        ingestion = read_ingestion(uri("examples"))
        trained = json_file.read(uri("model_run"), training.FILE, Training)
        baseline = artifact_utils.get_single_instance(input_dict["baseline"])
        lineage = Lineage.model_validate_json(exec_properties["lineage"])
        run_id = exec_properties.get("run_id")
        registry = open_registry(exec_properties["registry_uri"], exec_properties["model_name"])
        with local_copy(self.GetModelPath(input_dict)) as model_dir:
            version = registry.publish(
                publication(
                    model_dir,
                    evaluation.read(uri("evaluation")),
                    ingestion,
                    trained,
                    Baseline(
                        kind=baseline.get_string_custom_property("kind"),
                        version=baseline.get_string_custom_property("version"),
                    ),
                    lineage.of_run(from_properties(exec_properties)),
                    {**({RUN_ID: run_id} if run_id else {}), **_training_photos(input_dict)},
                )
            )
        if run_id and not version.came_from(run_id):
            # An earlier run published the same model; `submit --wait` looks for this run's id.
            registry.annotate(version.version, run_again(run_id), _now())
        logging.info("The model is %s, aliases: %s.", version.uri, ", ".join(version.aliases))
        self._MarkPushed(
            pushed_model, pushed_destination=version.uri, pushed_version=version.version
        )
        pushed_model.set_int_custom_property("champion", int("champion" in version.aliases))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _training_photos(input_dict: dict[str, list[types.Artifact]]) -> dict[str, str]:
    """Return the tag that later photos are compared with, to measure their drift."""
    statistics = input_dict.get("statistics")
    if not statistics:
        return {}
    uri = artifact_utils.get_single_uri(statistics)
    return {drift.TAG: drift.training_histograms(uri)}
