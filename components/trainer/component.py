"""TFX's Trainer; the hyperparameters that can change from run to run are parameters."""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.components.trainer import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import trainer_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from .training_errors import out_of_memory_explained

_RUN_FN = "customer_age.components.trainer.run_fn.run_fn"
_OWN = {
    "epochs": component_spec.ExecutionParameter(type=int),
    "learning_rate": component_spec.ExecutionParameter(type=float),
}
"""TFX passes `custom_config` as one string, which cannot contain a run parameter."""


class Executor(executor.GenericExecutor):
    """Puts the parameters into `custom_config`, where `run_fn` reads them."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Train.

        Raises:
            RunError: the device has too little memory, or `run_fn` raised it.
        """
        config = json.loads(exec_properties["custom_config"])
        config |= {name: exec_properties[name] for name in _OWN}
        properties = {**exec_properties, "custom_config": json.dumps(config)}
        with out_of_memory_explained(config["batch_size"], config["input_size"]):
            super().Do(input_dict, output_dict, properties)


class TrainerSpec(standard_component_specs.TrainerSpec):
    """The parameters of TFX's Trainer, and ours."""

    PARAMETERS = {**standard_component_specs.TrainerSpec.PARAMETERS, **_OWN}


class Trainer(base_component.BaseComponent):
    """Trains on `train`, evaluates each epoch on `valid`; has the outputs of TFX's Trainer."""

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        base_model: types.BaseChannel | None,
        hyperparameters: Mapping[str, Any],
        epochs: int | RuntimeParameter,
        learning_rate: float | RuntimeParameter,
    ):
        """Wire the component.

        Args:
            examples: of PhotoExampleGen.
            schema: of PhotoSchema.
            base_model: the model to start from, if the hyperparameters request it.
            hyperparameters: all others of `run_fn.Hyperparameters`, and values that are only part
                of the cache key.
            epochs: of the whole network.
            learning_rate: peak of the whole network's schedule.
        """
        super().__init__(
            TrainerSpec(
                examples=examples,
                schema=schema,
                base_model=base_model,
                run_fn=_RUN_FN,
                train_args=trainer_pb2.TrainArgs(splits=["train"]),
                eval_args=trainer_pb2.EvalArgs(splits=["valid"]),
                custom_config=json.dumps(dict(hyperparameters), sort_keys=True),
                epochs=epochs,
                learning_rate=learning_rate,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
