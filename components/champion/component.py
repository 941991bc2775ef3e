"""The TFX component Champion."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts

from customer_age.model_registry import open_registry

from .executor import Executor


class ChampionSpec(component_spec.ComponentSpec):
    """Inputs, output and parameters of Champion."""

    INPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    PARAMETERS = {
        "registry_uri": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "as_of": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }


class Champion(base_component.BaseComponent):
    """Brings the registry's champion into the graph, as the Evaluator's baseline.

    It does a Resolver's work, which not every orchestrator can do, and it also has an answer where
    there is no champion: a model that always answers the median age of the train split.

    Output `model`: a SavedModel in `Format-Serving`, with the custom properties `kind` (`champion`
    or `median`) and `version` (of the registry, empty for the median).
    """

    SPEC_CLASS = ChampionSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        registry_uri: str | RuntimeParameter,
        model_name: str,
        as_of: str = "",
        code: str = "",
    ):
        """Wire the component.

        Args:
            examples: of PhotoExampleGen; its train split gives the median.
            registry_uri: of the model registry, as `open_registry` takes it.
            model_name: in the registry.
            as_of: keys TFX's cache: the registry changes behind TFX's back, see `baseline_for`.
            code: a fingerprint of the code; keys TFX's cache.

        Raises:
            SettingsError: the URI is not supported, or holds a password.
        """
        if isinstance(registry_uri, str):  # before TFX's metadata keep a password for ever
            open_registry(registry_uri, model_name)
        super().__init__(
            ChampionSpec(
                examples=examples,
                registry_uri=registry_uri,
                model_name=model_name,
                as_of=as_of,
                code=code,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
