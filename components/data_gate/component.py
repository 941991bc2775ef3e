"""The DataGate's TFX component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from ..artifacts.types import DataApproval
from .executor import Executor


class DataGateSpec(component_spec.ComponentSpec):
    """Inputs, output and limits of the DataGate."""

    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {"approval": component_spec.ChannelParameter(type=DataApproval)}
    PARAMETERS = {
        "max_refused_share": component_spec.ExecutionParameter(type=float),
        "max_wrong_ages": component_spec.ExecutionParameter(type=int),
        "code": component_spec.ExecutionParameter(type=str),
    }


class DataGate(base_component.BaseComponent):
    """Lets a run go on only where its data passed.

    ExampleValidator records anomalies and blocks nothing; this component stops the run for them,
    and for photos refused beyond a limit, with a sentence for each.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        anomalies: types.BaseChannel,
        max_refused_share: float,
        max_wrong_ages: int,
        code: str = "",
    ):
        """Wire the gate.

        Args:
            examples: of PhotoExampleGen, with its `ingestion.json`.
            anomalies: of ExampleValidator.
            max_refused_share: of the table's rows, 0 to 1.
            max_wrong_ages: rows whose age is no age, at most.
            code: a fingerprint of the code; keys TFX's cache.
        """
        super().__init__(
            DataGateSpec(
                examples=examples,
                anomalies=anomalies,
                max_refused_share=max_refused_share,
                max_wrong_ages=max_wrong_ages,
                code=code,
                approval=types.Channel(type=DataApproval),
            )
        )
