"""A pipeline that may run: its tasks, with the checks of the real back end.

Rules of backend/src/v2/compiler/{visitor.go,argocompiler/dag.go} and, for the dependencies of
tasks, of Argo's validation. The real back end finds such faults when a run is created, not when a
pipeline is uploaded. `lint` has the faults of a compiler that the real back end accepts.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .documents import Refused, check_name, in_words_of_go, read_documents

Executor = specs.PipelineDeploymentConfig.ExecutorSpec
_SORTING = "templates.entrypoint.tasks.root templates.root sorting failed"


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of the pipeline, with everything that defines its work."""

    name: str
    spec: specs.PipelineTaskSpec
    component: specs.ComponentSpec
    executor: Executor
    kubernetes: kubernetes_executor_config_pb2.KubernetesExecutorConfig
    after: frozenset[str]
    """The tasks that must have succeeded before."""


@dataclasses.dataclass(frozen=True)
class Template:
    """A compiled pipeline that may run."""

    spec: specs.PipelineSpec
    tasks: Mapping[str, Task]

    @property
    def name(self) -> str:
        """The pipeline's."""
        return self.spec.pipeline_info.name

    def in_order(self) -> Iterator[Task]:
        """Return the tasks, each after its dependencies.

        Raises:
            Refused: tasks depend on each other, or on a missing task.
        """
        waiting = dict(self.tasks)
        while waiting:
            free = [name for name, task in waiting.items() if not task.after & set(waiting)]
            if not free:
                raise Refused(f"{_SORTING}: graph with cycle")
            for name in sorted(free):
                unknown = sorted(waiting[name].after - set(self.tasks))
                if unknown:
                    raise Refused(f"{_SORTING}: invalid dependency {unknown[0]}")
                yield waiting.pop(name)


def producers_of(task: specs.PipelineTaskSpec) -> set[str]:
    """The tasks whose outputs a task uses: addImplicitDependencies of argocompiler/dag.go."""
    return {
        *(
            source.task_output_artifact.producer_task
            for source in task.inputs.artifacts.values()
            if source.HasField("task_output_artifact")
        ),
        *(
            source.task_output_parameter.producer_task
            for source in task.inputs.parameters.values()
            if source.HasField("task_output_parameter")
        ),
    }


def read_template(text: str) -> Template:
    """Read the YAML of a pipeline to run, as the API server does.

    Raises:
        Refused: the API server would not create a run of it.
    """
    spec, platform = read_documents(text)
    check_name(spec)
    return template_of(spec, platform)


def template_of(
    spec: specs.PipelineSpec,
    platform: specs.PlatformSpec | None = None,
    importers_wait: bool = False,
) -> Template:
    """Check each task, and collect everything that belongs to it.

    Args:
        spec: of the pipeline.
        platform: the options of Kubernetes.
        importers_wait: whether importers wait for dependencies; Kubeflow's start at once.
    """
    deployment = deployment_of(spec)
    configs = platform.platforms["kubernetes"].deployment_spec.executors if platform else {}
    tasks = {}
    for name, task in spec.root.dag.tasks.items():
        if task.HasField("parameter_iterator") or task.HasField("artifact_iterator"):
            raise Refused(f"task {name}: this stand-in has no iterators")
        if task.trigger_policy.condition:
            raise Refused(f"task {name}: this stand-in has no conditions")
        component_name, component = _component(spec, name, task)
        label = component.executor_label
        executor = _executor(deployment, component_name, label)
        for producer in sorted(producers_of(task)):
            if producer not in spec.root.dag.tasks:
                raise Refused(f'unknown producer task "{producer}" in DAG')
        waits = importers_wait or not executor.HasField("importer")
        after = frozenset({*task.dependent_tasks, *producers_of(task)} if waits else ())
        tasks[name] = Task(name, task, component, executor, _kubernetes(configs, label), after)
    template = Template(spec, tasks)
    list(template.in_order())
    return template


def deployment_of(
    spec: specs.PipelineSpec, unknown_fields: bool = True
) -> specs.PipelineDeploymentConfig:
    """GetDeploymentConfig: unknown fields are ignored, so that a misspelt setting is lost silently.

    Raises:
        Refused: it is not such a config, or has unknown fields although they are not allowed.
    """
    content = json_format.MessageToDict(spec.deployment_spec)
    content.pop("@type", None)
    deployment = specs.PipelineDeploymentConfig()
    try:
        return json_format.ParseDict(content, deployment, ignore_unknown_fields=unknown_fields)
    except json_format.ParseError as error:
        raise Refused(f"deploymentSpec: {in_words_of_go(error)}") from error


def _component(
    spec: specs.PipelineSpec, name: str, task: specs.PipelineTaskSpec
) -> tuple[str, specs.ComponentSpec]:
    reference = task.component_ref.name
    if not reference:
        raise Refused(f'component ref name is empty for task name="{name}"')
    if reference not in spec.components:
        raise Refused(f'cannot find component ref name="{reference}"')
    component = spec.components[reference]
    if component.HasField("dag"):
        raise Refused(f"component {reference}: this stand-in runs no pipeline within a pipeline")
    if not component.executor_label:
        raise Refused(f"unknown component implementation: {reference}")
    return reference, component


def _executor(deployment: specs.PipelineDeploymentConfig, component: str, label: str) -> Executor:
    complaint = f'error processing component name="{component}": executor(label="{label}")'
    if label not in deployment.executors:
        raise Refused(f"{complaint} not found in deployment config")
    executor = deployment.executors[label]
    if not executor.HasField("container") and not executor.HasField("importer"):
        raise Refused(f"{complaint}: non-container and non-importer executor not implemented")
    return executor


def _kubernetes(
    configs: Mapping[str, Any], label: str
) -> kubernetes_executor_config_pb2.KubernetesExecutorConfig:
    config = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
    if label in configs:
        try:
            json_format.ParseDict(json_format.MessageToDict(configs[label]), config)
        except json_format.ParseError as error:
            why = in_words_of_go(error)
            raise Refused(f"failed to unmarshal kubernetes config: {why}") from error
    return config
