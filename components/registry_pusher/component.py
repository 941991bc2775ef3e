"""The TFX component RegistryPusher."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts

from customer_age.model_registry import open_registry

from ..run_parameters import RunParameters, optional_parameters, to_properties
from .executor import Executor
from .lineage import Lineage


class RegistryPusherSpec(component_spec.ComponentSpec):
    """Inputs, output and parameters of RegistryPusher; `lineage` is passed as JSON."""

    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "baseline": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
        "infra_blessing": component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
        "statistics": component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}
    PARAMETERS = {
        "registry_uri": component_spec.ExecutionParameter(type=str),
        "model_name": component_spec.ExecutionParameter(type=str),
        "lineage": component_spec.ExecutionParameter(type=str),
        "run_id": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
        **optional_parameters(),
    }


class RegistryPusher(base_component.BaseComponent):
    """Publishes a blessed model as a new version, and makes the version the champion.

    The Evaluator must have blessed the model. If there is a Canary, or another InfraValidator, it
    must have blessed the model as well.

    Publishing the same model again gives the same version, so a task may be retried at any time.

    Output `pushed_model`: the custom properties of TFX's own Pusher, `pushed` (0 or 1),
    `pushed_version` and `pushed_destination` (such as `models:/customer-age/3`), and `champion`
    (1 if the version is now the champion).
    """

    SPEC_CLASS = RegistryPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        examples: types.BaseChannel,
        baseline: types.BaseChannel,
        model_run: types.BaseChannel,
        registry_uri: str | RuntimeParameter,
        model_name: str,
        lineage: Lineage,
        run_id: str | RuntimeParameter = "",
        code: str = "",
        infra_blessing: types.BaseChannel | None = None,
        statistics: types.BaseChannel | None = None,
        run_parameters: RunParameters | None = None,
    ):
        """Wire the component.

        Args:
            model: of the Trainer.
            model_blessing: of the Evaluator; no other model is published.
            evaluation: of the Evaluator; its metrics become the version's metrics.
            examples: of PhotoExampleGen, with its `ingestion.json`.
            baseline: of Champion.
            model_run: of the Trainer, with its `training.json`.
            registry_uri: of the model registry, as `open_registry` accepts it.
            model_name: in the registry.
            lineage: of the run; the version records it.
            run_id: of the run; the version records it. Because the id is a part of TFX's cache
                key, a later run publishes again instead of reusing the cached result.
            code: a fingerprint of the code; a part of TFX's cache key.
            infra_blessing: of the Canary; a model that it refused is not published.
            statistics: of StatisticsGen; the version then records histograms of its training
                photos, so that the drift of new photos can be measured.
            run_parameters: of a compiled pipeline; they override the lineage.

        Raises:
            SettingsError: the URI is not supported, or holds a password.
        """
        if isinstance(registry_uri, str):  # before TFX's metadata store a password for ever
            open_registry(registry_uri, model_name)
        super().__init__(
            RegistryPusherSpec(
                model=model,
                model_blessing=model_blessing,
                evaluation=evaluation,
                examples=examples,
                baseline=baseline,
                model_run=model_run,
                infra_blessing=infra_blessing,
                statistics=statistics,
                registry_uri=registry_uri,
                model_name=model_name,
                lineage=lineage.model_dump_json(),
                run_id=run_id,
                code=code,
                **to_properties(run_parameters),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
