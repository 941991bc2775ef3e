"""The graph: components are wired only here, for every runner."""

from dataclasses import dataclass

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.example_validator.component import ExampleValidator
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base import base_node
from tfx.orchestration import pipeline
from tfx.version import __version__ as tfx_version

from customer_age import redaction
from customer_age.components.canary.component import Canary
from customer_age.components.champion import Champion
from customer_age.components.data_gate import DataGate
from customer_age.components.evaluator.component import Evaluator
from customer_age.components.photo_example_gen.component import PhotoExampleGen
from customer_age.components.photo_schema import PhotoSchema
from customer_age.components.registry_pusher.component import RegistryPusher
from customer_age.components.registry_pusher.lineage import Lineage
from customer_age.components.run_parameters import RunParameters
from customer_age.components.run_report.component import RunReport
from customer_age.components.run_report.facts.facts import Limits, RunDescription
from customer_age.components.trainer.component import Trainer
from customer_age.photos.spec import PhotoSpec
from customer_age.schema import features

from ..settings.settings import Settings
from . import ingestion_spec, parameter_values
from .beam_options import beam_args
from .cache_keys import RunKey, code_of


@dataclass(frozen=True)
class Launch:
    """Facts about a run that the runner knows at the start, but that are not settings."""

    key: RunKey = RunKey()
    baseline_version: str = ""
    """The baseline version that the runner read: if it changes, Champion reads it again."""
    run_id: str = ""
    """Recorded in the registry with the published version."""
    parameters: RunParameters | None = None
    """The inputs of a pipeline that is compiled now and started later; None for a run now."""
    images: str = ""
    """The images of a cluster's containers, which determine the libraries of the components."""

    def code_of(self, component: type) -> str:
        """Return the fingerprint of a component's code, for TFX's cache key."""
        return code_of(component.__module__, self.images)


def create_pipeline(settings: Settings, launch: Launch | None = None) -> pipeline.Pipeline:
    """Wire the components, without reading data or starting anything.

    Args:
        settings: the run's settings.
        launch: the runner's facts, which are part of TFX's cache keys.

    Returns:
        A pipeline for any of TFX's runners; a local runner must also set the metadata connection.
    """
    launch = launch or Launch()
    parameters = launch.parameters or parameter_values.fixed(settings, launch.key, launch.run_id)
    data = checked_data(settings, parameters, launch)
    examples, statistics, anomalies = data.examples, data.statistics, data.anomalies
    champion = champion_of(settings, parameters, launch, data)
    baseline = champion.outputs["model"]
    trainer = _trainer(settings, parameters, data, baseline, launch)
    trainer.add_upstream_node(data.gate)
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=baseline,
        max_mae=parameters.max_mae,
        min_test_photos=parameters.min_test_photos,
        champion_tolerance=parameters.champion_tolerance,
        code=launch.code_of(Evaluator),
    )
    canary = _canary(settings, examples, trainer.outputs["model"], launch)
    canary.add_upstream_node(evaluator)  # runs after it, even for a model that it did not bless
    registry_pusher = RegistryPusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        examples=examples,
        baseline=baseline,
        model_run=trainer.outputs["model_run"],
        infra_blessing=canary.outputs["blessing"],
        statistics=statistics,
        registry_uri=parameters.registry_uri,
        model_name=settings.registry.model_name,
        lineage=_lineage(settings, launch),
        run_id=parameters.run_id,
        run_parameters=launch.parameters,
        code=launch.code_of(RegistryPusher),
    )
    run_report = RunReport(
        examples=examples,
        statistics=statistics,
        anomalies=anomalies,
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        infra_blessing=canary.outputs["blessing"],
        pushed_model=registry_pusher.outputs["pushed_model"],
        baseline=baseline,
        run_facts=run_description(settings, launch),
        run_parameters=launch.parameters,
        code=launch.code_of(RunReport),
    )
    components: list[base_node.BaseNode] = [
        *data.nodes, champion, trainer, evaluator, canary, registry_pusher, run_report,
    ]  # fmt: skip
    return pipeline.Pipeline(
        pipeline_name=settings.name,
        pipeline_root=settings.pipeline_root,
        components=components,
        enable_cache=True,
        beam_pipeline_args=beam_args(settings),
    )


@dataclass(frozen=True)
class CheckedData:
    """The nodes from the photos to the checked examples, and their outputs for other nodes."""

    nodes: tuple[base_node.BaseNode, ...]
    gate: base_node.BaseNode
    """All nodes that train on the examples, or evaluate with them, run after it."""
    examples: types.BaseChannel
    schema: types.BaseChannel
    statistics: types.BaseChannel
    anomalies: types.BaseChannel


def checked_data(settings: Settings, parameters: RunParameters, launch: Launch) -> CheckedData:
    """Wire the nodes before training, the same in each pipeline, so that they share results.

    Args:
        settings: the run's settings.
        parameters: the run's parameters.
        launch: the runner's facts.
    """
    photo_schema = PhotoSchema(code=launch.code_of(PhotoSchema))
    schema = photo_schema.outputs["schema"]
    photo_example_gen = PhotoExampleGen(
        data_path=parameters.data_path,
        spec=ingestion_spec.of(settings),
        batches=parameters.batches,
        data_fingerprint=parameters.data_fingerprint,
        code=launch.code_of(PhotoExampleGen),
    )
    examples = photo_example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(
        examples=examples,
        stats_options=_statistics_options(),
    )
    statistics = statistics_gen.outputs["statistics"]
    example_validator = ExampleValidator(statistics=statistics, schema=schema)
    anomalies = example_validator.outputs["anomalies"]
    data_gate = DataGate(
        examples=examples,
        anomalies=anomalies,
        max_refused_share=settings.data.max_refused_share,
        max_wrong_ages=settings.data.max_wrong_ages,
        code=launch.code_of(DataGate),
    )
    nodes = (photo_example_gen, photo_schema, statistics_gen, example_validator, data_gate)
    return CheckedData(nodes, data_gate, examples, schema, statistics, anomalies)


def champion_of(
    settings: Settings, parameters: RunParameters, launch: Launch, data: CheckedData
) -> base_node.BaseNode:
    """Wire the node that provides the baseline model, or the model to start from.

    Args:
        settings: the run's settings.
        parameters: the run's parameters.
        launch: the runner's facts.
        data: the data that the run trains on.
    """
    champion = Champion(
        examples=data.examples,
        registry_uri=parameters.registry_uri,
        model_name=settings.registry.model_name,
        baseline=launch.baseline_version,
        code=launch.code_of(Champion),
    )
    champion.add_upstream_node(data.gate)
    return champion


def run_description(settings: Settings, launch: Launch, log: str = "") -> RunDescription:
    """Return the facts for the run report that the run's artifacts do not contain."""
    return RunDescription(
        name=settings.name,
        settings=settings.recorded(),
        fingerprints={
            "data": launch.key.data,
            "weights": launch.key.weights,
            "code": launch.key.code,
            "run": launch.key.digest(),
        },
        limits=Limits(
            max_mae=settings.gate.max_mae,
            min_test_photos=settings.gate.min_test_photos,
            champion_tolerance=settings.gate.champion_tolerance,
        ),
        log=log,
        registry=settings.registry_uri,
        model_name=settings.registry.model_name,
    )


def _statistics_options() -> tfdv.StatsOptions:
    """Return options with the same text in both TFX lines: one may run what the other compiled."""
    options = tfdv.StatsOptions(feature_allowlist=list(features.STATISTICS))
    # TFX 1.16 requires it when it parses the options, but TFX 1.21 no longer has it.
    written = {"_slice_sqls": None, **vars(options)}
    options.__dict__ = dict(sorted(written.items()))
    return options


def _trainer(
    settings: Settings,
    parameters: RunParameters,
    data: CheckedData,
    baseline: types.BaseChannel,
    launch: Launch,
) -> Trainer:
    return Trainer(
        examples=data.examples,
        schema=data.schema,
        base_model=baseline if settings.trainer.weights == "champion" else None,
        epochs=parameters.epochs,
        learning_rate=parameters.learning_rate,
        hyperparameters={
            **settings.trainer.model_dump(mode="json", exclude={"epochs", "learning_rate", "gpu"}),
            "photo_spec": PhotoSpec.within(settings.data).model_dump(),
            "weights_fingerprint": launch.key.weights,
            "code": launch.code_of(Trainer),
        },
    )


def _canary(
    settings: Settings, examples: types.BaseChannel, model: types.BaseChannel, launch: Launch
) -> base_node.BaseNode:
    return Canary(
        model=model,
        examples=examples,
        max_seconds_per_photo=settings.canary.max_seconds_per_photo,
        max_memory_mb=settings.canary.max_memory_mb,
        timeout_seconds=settings.canary.timeout_seconds,
        photo_spec=PhotoSpec.within(settings.data).model_dump_json(),
        code=launch.code_of(Canary),
    )


def _lineage(settings: Settings, launch: Launch) -> Lineage:
    return Lineage(
        run_key=launch.key.digest(),
        data_fingerprint=launch.key.data,
        weights_fingerprint=launch.key.weights,
        code_version=launch.key.code,
        tfx_version=tfx_version,
        # Stored permanently in TFX's metadata and in the registry.
        settings=redaction.hide_secret_settings(settings.recorded()),
    )
