"""TFX's Tuner with our own search."""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.components.tuner import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.utils import io_utils

from customer_age.errors import RunError

from ..artifacts import tuning

_TUNER_FN = "customer_age.components.tuner.tuner_fn.tuner_fn"


class Executor(executor.Executor):
    """Searches, and also writes the best settings as a settings file."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Search.

        Raises:
            RunError: each training diverged.
        """
        tuner = executor.search(
            input_dict, exec_properties, self._get_tmp_dir(), print_tuning_summary=False
        )
        best = tuner.trials.best
        if best is None:
            raise RunError(
                "each training diverged: the MAE on valid is not a number; lower "
                "tuner.learning_rate"
            )
        executor.write_best_hyperparameters(tuner, output_dict)
        _write(output_dict, "tuner_results", tuning.FILE, tuner.trials.model_dump_json(indent=1))
        lines = [f"  {name}: {value!r}" for name, value in best.settings.items()]
        content = "\n".join([f"# {best.line()}", "trainer:", *lines, ""])
        _write(output_dict, "best_hyperparameters", tuning.SETTINGS_FILE, content)


class Tuner(base_component.BaseComponent):
    """Has the outputs `best_hyperparameters` and `tuner_results` of TFX's Tuner, with our files."""

    SPEC_CLASS = standard_component_specs.TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        base_model: types.BaseChannel | None,
        hyperparameters: Mapping[str, Any],
        search: Mapping[str, Any],
        code: str,
    ):
        """Wire the component.

        Args:
            examples: of PhotoExampleGen.
            schema: of PhotoSchema.
            base_model: the model to start from, if the hyperparameters request it.
            hyperparameters: of `trainer.run_fn.Hyperparameters`.
            search: of `tuner_fn.Search`.
            code: a fingerprint of the code; keys TFX's cache.
        """
        config = {**hyperparameters, **search, "code": code}
        super().__init__(
            standard_component_specs.TunerSpec(
                examples=examples,
                schema=schema,
                base_model=base_model,
                tuner_fn=_TUNER_FN,
                train_args=trainer_pb2.TrainArgs(splits=["train"]),
                eval_args=trainer_pb2.EvalArgs(splits=["valid"]),
                custom_config=json.dumps(config, sort_keys=True),
                best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
                tuner_results=types.Channel(type=standard_artifacts.TunerResults),
            )
        )


def _write(output_dict: dict[str, list[types.Artifact]], key: str, name: str, text: str) -> None:
    folder = artifact_utils.get_single_uri(output_dict[key])
    io_utils.write_string_file(f"{folder}/{name}", text)
