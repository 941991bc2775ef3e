"""TFX's Evaluator with the gate's limits as parameters; it is stricter with a first model."""

from typing import Any

from tfx import types
from tfx.components.evaluator import executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils, proto_utils

from . import gate

_LIMITS = {
    "max_mae": component_spec.ExecutionParameter(type=float),
    "min_test_photos": component_spec.ExecutionParameter(type=int),
    "champion_tolerance": component_spec.ExecutionParameter(type=float),
}
"""TFX passes the whole EvalConfig as one string, which cannot contain a run parameter."""


class Executor(executor.Executor):
    """Measures candidate and baseline, with a tolerance that depends on the kind of baseline."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluate the candidate.

        It may be a little worse than a champion, because that is noise. It must be better than
        the median predictor, because a model that has learned nothing has the same error.
        """
        config = gate.eval_config(**{name: exec_properties[name] for name in _LIMITS})
        baseline = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.BASELINE_MODEL_KEY]
        )
        if baseline.get_string_custom_property("kind") == "median":
            config = gate.require_improvement(config)
        key = standard_component_specs.EVAL_CONFIG_KEY
        super().Do(
            input_dict, output_dict, {**exec_properties, key: proto_utils.proto_to_json(config)}
        )


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's spec, with the gate's limits instead of an EvalConfig."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        **_LIMITS,
        "code": component_spec.ExecutionParameter(type=str),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Measures models on `test`, with TFX's outputs `evaluation` and `blessing`."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        max_mae: float | RuntimeParameter,
        min_test_photos: int | RuntimeParameter,
        champion_tolerance: float | RuntimeParameter,
        code: str,
    ):
        """Wire the component.

        Args:
            examples: of PhotoExampleGen.
            model: of the Trainer.
            baseline_model: of Champion.
            max_mae: largest mean absolute error that passes, years, inclusive.
            min_test_photos: smallest number of test photos that passes.
            champion_tolerance: years by which the champion may be better.
            code: a fingerprint of the code; a part of TFX's cache key.
        """
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                example_splits=json_utils.dumps(["test"]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                max_mae=max_mae,
                min_test_photos=min_test_photos,
                champion_tolerance=champion_tolerance,
                code=code,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
