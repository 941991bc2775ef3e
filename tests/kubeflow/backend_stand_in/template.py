"""A pipeline that may run: its tasks, checked as the real back end checks them.

Rules of backend/src/v2/compiler/visitor.go (which executors there are) and
backend/src/apiserver/common/utils.go (names). The real one finds such faults when a run is created,
not when a pipeline is uploaded.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .documents import Refused, read_documents

Executor = specs.PipelineDeploymentConfig.ExecutorSpec


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of the pipeline, with all that says what it does."""

    name: str
    spec: specs.PipelineTaskSpec
    component: specs.ComponentSpec
    executor: Executor
    kubernetes: kubernetes_executor_config_pb2.KubernetesExecutorConfig


@dataclasses.dataclass(frozen=True)
class Template:
    """A compiled pipeline that may run."""

    spec: specs.PipelineSpec
    tasks: Mapping[str, Task]
    ignored: tuple[str, ...] = ()
    """What the back end reads and never acts upon, a sentence each."""

    @property
    def name(self) -> str:
        """The pipeline's."""
        return self.spec.pipeline_info.name

    def in_order(self) -> Iterator[Task]:
        """The tasks, each after those it depends on; refuses a ring."""
        waiting = dict(self.tasks)
        while waiting:
            free = [
                name
                for name, task in waiting.items()
                if not any(upstream in waiting for upstream in upstream_of(task.spec))
            ]
            if not free:
                raise Refused(f"tasks depend on each other in a ring: {', '.join(sorted(waiting))}")
            for name in sorted(free):
                yield waiting.pop(name)


def upstream_of(task: specs.PipelineTaskSpec) -> set[str]:
    """The tasks that must have succeeded before: addImplicitDependencies of argocompiler/dag.go."""
    return {
        *task.dependent_tasks,
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
    """Read the YAML of a pipeline that is to run.

    Raises:
        Refused: the back end would not run it.
    """
    return template_of(*read_documents(text))


def template_of(spec: specs.PipelineSpec, platform: specs.PlatformSpec | None = None) -> Template:
    """Check what each task does, and put together all that belongs to it."""
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,127}", spec.pipeline_info.name):
        raise Refused(
            "pipeline's name must contain only lowercase alphanumeric characters or '-' and must "
            f"start with alphanumeric characters, not {spec.pipeline_info.name!r}"
        )
    deployment = _deployment(spec)
    configs = platform.platforms["kubernetes"].deployment_spec.executors if platform else {}
    for label in configs:
        if label not in deployment.executors:
            raise Refused(f"the platform spec configures an executor that is not there: {label}")
    tasks, ignored = {}, []
    for name, task in spec.root.dag.tasks.items():
        if task.HasField("parameter_iterator") or task.HasField("artifact_iterator"):
            raise Refused(f"task {name}: this stand-in has no iterators")
        if task.trigger_policy.condition:
            raise Refused(f"task {name}: this stand-in has no conditions")
        component = _component(spec, name, task)
        label = component.executor_label
        executor = _executor(deployment, label)
        if executor.container.lifecycle.HasField("pre_cache_check"):
            ignored.append(f"{name}: the pre-cache hook of its container is never run")
        unknown = sorted(upstream_of(task) - set(spec.root.dag.tasks))
        if unknown:
            raise Refused(f"unknown producer task {unknown[0]!r} in DAG")
        tasks[name] = Task(name, task, component, executor, _kubernetes(configs, label))
    return Template(spec, tasks, tuple(ignored))


def _deployment(spec: specs.PipelineSpec) -> specs.PipelineDeploymentConfig:
    content = json_format.MessageToDict(spec.deployment_spec)
    content.pop("@type", None)
    try:
        return json_format.ParseDict(content, specs.PipelineDeploymentConfig())
    except json_format.ParseError as error:
        # visitor.go leaves out unknown fields here, so that a misspelt setting is lost unseen.
        raise Refused(f"deploymentSpec: {error}") from error


def _component(
    spec: specs.PipelineSpec, name: str, task: specs.PipelineTaskSpec
) -> specs.ComponentSpec:
    reference = task.component_ref.name
    if not reference:
        raise Refused(f"component ref name is empty for task name={name!r}")
    if reference not in spec.components:
        raise Refused(f"cannot find component ref name={reference!r}")
    component = spec.components[reference]
    if component.HasField("dag"):
        raise Refused(f"component {reference}: this stand-in runs no pipeline within a pipeline")
    if not component.executor_label:
        raise Refused(f"unknown component implementation: {reference}")
    return component


def _executor(deployment: specs.PipelineDeploymentConfig, label: str) -> Executor:
    if label not in deployment.executors:
        raise Refused(f"executor(label={label!r}) not found in deployment config")
    executor = deployment.executors[label]
    if executor.HasField("resolver"):
        raise Refused(f"executor(label={label!r}): resolver not implemented yet")
    if not executor.HasField("container") and not executor.HasField("importer"):
        raise Refused(
            f"executor(label={label!r}): non-container and non-importer executor not implemented"
        )
    return executor


def _kubernetes(
    configs: Mapping[str, Any], label: str
) -> kubernetes_executor_config_pb2.KubernetesExecutorConfig:
    config = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
    if label in configs:
        try:
            json_format.ParseDict(json_format.MessageToDict(configs[label]), config)
        except json_format.ParseError as error:
            raise Refused(f"executor {label}: Kubernetes config: {error}") from error
    return config
