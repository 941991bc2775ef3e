"""Compiles the graph to specifications that Kubeflow Pipelines and Vertex AI Pipelines run."""

import json
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

from customer_age.components.run_parameters import ABOUT, RunParameters
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey, code_of_all, weights_fingerprint
from customer_age.pipeline.graph.create_pipeline import Launch, create_pipeline
from customer_age.pipeline.graph.create_tune_pipeline import create_tune_pipeline
from customer_age.pipeline.settings.cluster import ClusterSettings
from customer_age.pipeline.settings.settings import Settings

from ..artifact_types import SYSTEM_TITLES
from . import containers, stores, target_support, yaml_text
from .platform_spec import platform_document
from .target_support import Pipeline, Target

ENTRYPOINT = ("python", "-m", "customer_age.kubeflow.container.entrypoint")

UNCACHED = ("PhotoExampleGen", "Champion")
"""They read the data and the registry, which can change. A run that someone starts in the UI must
use their current state."""

_VERTEX_MOST_SECONDS = 3600
"""Vertex's maximum."""

_SECONDS_FOR_A_NODE = 3600
"""How long a pod may wait for a node: its own time limit does not include this, `maxDuration`
does."""


def compile_kubeflow(settings: Settings, pipeline: Pipeline = "run") -> str:
    """Compile for Kubeflow Pipelines.

    Args:
        settings: of the pipeline; those in `components.run_parameters` become defaults.
        pipeline: that is compiled.

    Returns:
        Two YAML documents: a PipelineSpec of schema 2.1.0, and a PlatformSpec.

    Raises:
        SettingsError: a setting that a cluster needs is missing or not valid.
    """
    spec = _pipeline_job(settings, "kubeflow", pipeline)["pipelineSpec"]
    labels = {
        name: component["executorLabel"]
        for name, component in spec["components"].items()
        if "container" in spec["deploymentSpec"]["executors"][component["executorLabel"]]
    }
    return yaml_text.dump_all([spec, platform_document(settings, labels)])


def compile_vertex(settings: Settings, pipeline: Pipeline = "run") -> str:
    """Compile for Vertex AI Pipelines.

    Args:
        settings: of the pipeline; those in `components.run_parameters` become defaults.
        pipeline: that is compiled.

    Returns:
        A PipelineJob as JSON.

    Raises:
        SettingsError: a setting that Vertex AI needs is missing or not valid.
    """
    job = _pipeline_job(settings, "vertex", pipeline)
    return json.dumps(job, sort_keys=True, indent=1) + "\n"


def _pipeline_job(settings: Settings, target: Target, pipeline: Pipeline) -> dict[str, Any]:
    target_support.check(settings, target, pipeline)
    settings = settings.on_cluster()
    images = settings.cluster.images
    inputs = parameter_values.pipeline_inputs(settings)
    launch = Launch(
        key=RunKey(
            settings=settings.fingerprint(),
            weights=weights_fingerprint(settings.trainer.weights),
            code=code_of_all(images),
        ),
        images=images,
        parameters=inputs,
    )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=settings.cluster.image,
            default_commands=list(ENTRYPOINT),
            use_pipeline_spec_2_1=True,
        )
    )
    create = create_pipeline if pipeline == "run" else create_tune_pipeline
    job = runner.run(create(settings, launch), write_out=False)
    spec = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    _describe_inputs(spec, inputs)
    _set_task_options(spec, settings, target)
    _show_in_the_ui(spec)
    containers.complete(spec, settings, target)
    spec.default_pipeline_root = settings.cluster.pipeline_root
    job["pipelineSpec"] = json_format.MessageToDict(spec)
    job["runtimeConfig"] = {"gcsOutputDirectory": settings.cluster.pipeline_root}
    return job


def _describe_inputs(spec: pipeline_spec_pb2.PipelineSpec, inputs: RunParameters) -> None:
    """Add defaults and descriptions of run parameters, which TFX does not compile."""
    for name, parameter in spec.root.input_definitions.parameters.items():
        parameter.description = ABOUT[name].description
        default = getattr(inputs, name).default
        if name == "data_path" and not default:
            continue  # the person who starts a run must set it
        if isinstance(default, str):
            parameter.default_value.string_value = default
        else:
            parameter.default_value.number_value = default
        parameter.is_optional = True


def _set_task_options(
    spec: pipeline_spec_pb2.PipelineSpec, settings: Settings, target: Target
) -> None:
    for name, task in spec.root.dag.tasks.items():
        executor = spec.deployment_spec["executors"][spec.components[name].executor_label]
        if "container" not in executor:
            continue
        caches = stores.keeps_cache(settings.cluster.pipeline_root)
        task.caching_options.enable_cache = caches and name not in UNCACHED
        if settings.cluster.max_retries:
            _set_retries(task.retry_policy, settings.cluster, target)


def _set_retries(
    policy: pipeline_spec_pb2.PipelineTaskSpec.RetryPolicy, cluster: ClusterSettings, target: Target
) -> None:
    """Set the back end's retry policy.

    On Vertex these are the only retries. On Kubeflow the container repeats its component itself
    (`container.tries`), and a lost pod is replaced without a policy. Before 2.17 the policy starts
    one more pod for a container that was killed, or has failed for good. `maxDuration` counts from
    the start of the first pod, and is the deadline of the second.
    """
    policy.backoff_duration.seconds = 30
    policy.backoff_factor = 2
    if target == "vertex":
        policy.max_retry_count = cluster.max_retries
        policy.backoff_max_duration.seconds = _VERTEX_MOST_SECONDS
    else:
        policy.max_retry_count = 1
        policy.backoff_max_duration.seconds = 2 * (cluster.timeout_seconds + _SECONDS_FOR_A_NODE)


def _show_in_the_ui(spec: pipeline_spec_pb2.PipelineSpec) -> None:
    """Set the types of pages and metrics that the UIs display specially."""
    for component in spec.components.values():
        for artifact in component.output_definitions.artifacts.values():
            schema = yaml.safe_load(artifact.artifact_type.instance_schema or "") or {}
            system_title = SYSTEM_TITLES.get(schema.get("title", ""))
            if system_title:
                artifact.artifact_type.schema_title = system_title
                artifact.artifact_type.schema_version = "0.0.1"
