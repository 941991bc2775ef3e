"""The RunReport component: its inputs, outputs and parameters."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from customer_age import redaction

from ..artifacts.types import EdaPage, RunMetrics, RunReportPage
from ..run_parameters import RunParameters, optional_parameters, to_properties
from . import executor
from .facts.facts import RunDescription


def _optional(kind: type[types.Artifact]) -> component_spec.ChannelParameter:
    return component_spec.ChannelParameter(type=kind, optional=True)


class RunReportSpec(component_spec.ComponentSpec):
    """Inputs other than the examples are optional; without one, the report omits its section."""

    PARAMETERS = {
        "run_facts": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
        **optional_parameters(),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "statistics": _optional(standard_artifacts.ExampleStatistics),
        "anomalies": _optional(standard_artifacts.ExampleAnomalies),
        "model_run": _optional(standard_artifacts.ModelRun),
        "evaluation": _optional(standard_artifacts.ModelEvaluation),
        "blessing": _optional(standard_artifacts.ModelBlessing),
        "infra_blessing": _optional(standard_artifacts.InfraBlessing),
        "pushed_model": _optional(standard_artifacts.PushedModel),
        "baseline": _optional(standard_artifacts.Model),
    }
    OUTPUTS = {
        "report": component_spec.ChannelParameter(type=RunReportPage),
        "eda": component_spec.ChannelParameter(type=EdaPage),
        "metrics": component_spec.ChannelParameter(type=RunMetrics),
    }


class RunReport(base_component.BaseComponent):
    """Reports on a run.

    Output `report`: `report.html`, the run's result and its reason. Output `eda`: `eda.html`, an
    analysis of the data. Output `metrics`: `metrics.json`, and the same numbers as custom
    properties, such as `mae`, `test_photos` and `published`.
    """

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        run_facts: RunDescription,
        code: str,
        *,
        statistics: types.BaseChannel | None = None,
        anomalies: types.BaseChannel | None = None,
        model_run: types.BaseChannel | None = None,
        evaluation: types.BaseChannel | None = None,
        blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        pushed_model: types.BaseChannel | None = None,
        baseline: types.BaseChannel | None = None,
        run_parameters: RunParameters | None = None,
    ):
        """Wire the component.

        Args:
            examples: of PhotoExampleGen, with `ingestion.json` and `refused.csv`.
            run_facts: what is known of the run; passed as JSON, without secrets. Leave out what
                differs in each run, such as the path of a log: it would prevent caching.
            code: fingerprint of this component's source; only used as a cache key.
            statistics: of StatisticsGen.
            anomalies: of ExampleValidator.
            model_run: of the Trainer, with `training.json`.
            evaluation: of the Evaluator.
            blessing: of the Evaluator.
            infra_blessing: of the Canary, with `canary.json`.
            pushed_model: of RegistryPusher, with the custom properties `pushed`,
                `pushed_version` and `pushed_destination`.
            baseline: of Champion, with the custom properties `kind` and `version`.
            run_parameters: of a compiled pipeline; they override `run_facts`.
        """
        super().__init__(
            RunReportSpec(
                run_facts=_without_secrets(run_facts),
                code=code,
                examples=examples,
                statistics=statistics,
                anomalies=anomalies,
                model_run=model_run,
                evaluation=evaluation,
                blessing=blessing,
                infra_blessing=infra_blessing,
                pushed_model=pushed_model,
                baseline=baseline,
                **to_properties(run_parameters),
                report=types.Channel(type=RunReportPage),
                eda=types.Channel(type=EdaPage),
                metrics=types.Channel(type=RunMetrics),
            )
        )


def _without_secrets(run: RunDescription) -> str:
    """Return the run as JSON, without secrets: TFX keeps parameters in its metadata for ever."""
    settings = redaction.hide_secret_settings(run.settings)
    return redaction.hide_credentials(
        run.model_copy(update={"settings": settings}).model_dump_json()
    )
