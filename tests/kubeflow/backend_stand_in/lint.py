"""Faults of a compiler that the real back end accepts silently.

No verdict: Kubeflow runs such a pipeline, though not as its author meant. Ours must have none.
"""

from collections.abc import Iterator

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .documents import Refused, is_platform_spec, pipeline_spec, read_documents
from .template import Task, deployment_of, template_of


def lint(text: str) -> list[str]:
    """Complain of a pipeline's YAML, a sentence each.

    Raises:
        Refused: the back end would not take it.
    """
    spec, platform = read_documents(text)
    template = template_of(spec, platform)
    found = [*_stray_documents(text), *_unknown_fields(spec), *_lost_configs(spec, platform)]
    for task in template.tasks.values():
        found += [f"{task.name}: {complaint}" for complaint in _of_task(task, set(template.tasks))]
    return found


def _stray_documents(text: str) -> Iterator[str]:
    for number, document in enumerate(yaml.safe_load_all(text)):
        if document and pipeline_spec(document) is None and not is_platform_spec(document):
            yield f"document {number} is neither a pipeline nor a platform spec: nobody reads it"


def _unknown_fields(spec: specs.PipelineSpec) -> Iterator[str]:
    try:
        deployment_of(spec, unknown_fields=False)
    except Refused as error:
        yield f"{error}: it is left out"


def _lost_configs(spec: specs.PipelineSpec, platform: specs.PlatformSpec | None) -> Iterator[str]:
    configs = platform.platforms["kubernetes"].deployment_spec.executors if platform else {}
    for label in sorted(set(configs) - set(deployment_of(spec).executors)):
        yield f"the platform spec configures an executor that is not there: {label}"


def _of_task(task: Task, tasks: set[str]) -> Iterator[str]:
    if task.executor.HasField("importer") and task.spec.dependent_tasks:
        yield "an importer waits for nothing, whatever it depends on"
    if task.executor.container.lifecycle.HasField("pre_cache_check"):
        yield "the pre-cache hook of its container is never run"
    for unknown in sorted(set(task.spec.dependent_tasks) - tasks):
        yield f"it depends on a task that is not there: {unknown}"
    policy = task.spec.retry_policy
    if policy.max_retry_count and not policy.backoff_max_duration.seconds:
        yield "without backoffMaxDuration it is never tried again"
    given = task.spec.inputs.parameters
    for name, definition in task.component.input_definitions.parameters.items():
        unused = definition.HasField("default_value") and not definition.is_optional
        if unused and name not in given:
            yield f"the default of the input {name} is never used: it is not optional"
