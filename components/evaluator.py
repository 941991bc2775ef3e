"""TFX's Evaluator, stricter with a first model."""

from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from customer_age.components import evaluation


class Executor(executor.Executor):
    """Measures candidate and baseline; decides how much worse than the baseline is allowed."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluate.

        A champion may be a little better than its challenger: that is noise. The median predictor
        may not: a model that learned nothing measures just like it.
        """
        baseline = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.BASELINE_MODEL_KEY]
        )
        if baseline.get_string_custom_property("kind") == "median":
            config = config_pb2.EvalConfig()
            key = standard_component_specs.EVAL_CONFIG_KEY
            proto_utils.json_to_proto(exec_properties[key], config)
            strict = evaluation.require_improvement(config)
            exec_properties = {**exec_properties, key: proto_utils.proto_to_json(strict)}
        super().Do(input_dict, output_dict, exec_properties)


class Evaluator(component.Evaluator):
    """TFX's Evaluator with our executor; its baseline is the output of Champion."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
