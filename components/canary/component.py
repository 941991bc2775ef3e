"""The Canary's TFX component."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from .executor import Executor


class CanarySpec(component_spec.ComponentSpec):
    """Inputs, output and limits of the Canary; the names are those of TFX's InfraValidator."""

    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}
    PARAMETERS = {
        "max_seconds_per_photo": component_spec.ExecutionParameter(type=float),
        "max_memory_mb": component_spec.ExecutionParameter(type=int),
        "timeout_seconds": component_spec.ExecutionParameter(type=int),
        "code": component_spec.ExecutionParameter(type=str),
    }


class Canary(base_component.BaseComponent):
    """Serves a model in a fresh process, with TensorFlow alone, and sees whether it is fit to.

    Odd but valid pictures must get ages within 0 to 120, the same photo always the same age
    through either signature, and none may take more time or memory than the limits allow.

    Output `blessing`: as TFX's own InfraValidator writes it, so that a Pusher refuses a model
    that is not fit, and `canary.json`, which holds every measured value beside its limit.
    """

    SPEC_CLASS = CanarySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        max_seconds_per_photo: float,
        max_memory_mb: int,
        timeout_seconds: int,
        code: str = "",
    ):
        """Wire the canary.

        Args:
            model: of the Trainer.
            examples: of PhotoExampleGen; some photos of one split are sent.
            max_seconds_per_photo: alone, or on average in a batch of 64; on the CPU.
            max_memory_mb: of the process at its peak, TensorFlow included.
            timeout_seconds: for everything, after which the process is killed.
            code: a fingerprint of the code; keys TFX's cache.
        """
        super().__init__(
            CanarySpec(
                model=model,
                examples=examples,
                max_seconds_per_photo=max_seconds_per_photo,
                max_memory_mb=max_memory_mb,
                timeout_seconds=timeout_seconds,
                code=code,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
