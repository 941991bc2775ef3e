"""The driver, before a task's container starts: its inputs, and the paths of its outputs.

Rules of backend/src/v2/driver/{resolve,driver}.go.
"""

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from .documents import Refused
from .placeholders import text_of
from .sessions import Session
from .template import Task

_KINDS = {
    specs.ParameterType.NUMBER_DOUBLE: "number_value",
    specs.ParameterType.NUMBER_INTEGER: "number_value",
    specs.ParameterType.BOOLEAN: "bool_value",
    specs.ParameterType.LIST: "list_value",
    specs.ParameterType.STRUCT: "struct_value",
}


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a task that has ended gave."""

    artifacts: Mapping[str, mlmd.Artifact]
    parameters: Mapping[str, Value]
    types: Mapping[str, specs.ArtifactTypeSchema]


class Service(Protocol):
    """In what Kubeflow and Vertex differ here."""

    def artifact_name(self, artifact: mlmd.Artifact) -> str:
        """The name of an artifact, to a task that takes it."""

    def output_name(self, name: str) -> str:
        """The name of an artifact, to the task that is to make it."""

    def imported(self, metadata: Struct, uri: str) -> dict[str, mlmd.Value]:
        """What is kept of an importer's metadata."""

    def properties(
        self, name: str, artifact: specs.RuntimeArtifact, session: Session | None
    ) -> dict[str, mlmd.Value]:
        """The stored metadata of an output; `session` describes the access to its store."""

    def metadata(self, artifact: mlmd.Artifact) -> Struct:
        """What is left of the metadata, to a task that takes the artifact."""

    def type_seen(self, schema: specs.ArtifactTypeSchema) -> specs.ArtifactTypeSchema:
        """How an executor sees the type of an artifact that another task made."""

    def output_file(self, task_root: str) -> str:
        """The file for an executor's output."""

    def outputs_of_its_own(self) -> Mapping[str, specs.ArtifactTypeSchema]:
        """The outputs of each task that its component does not define."""

    def default_alone(self, name: str, parameter_type: int) -> Value | None:
        """The value of a required input that has a default and no argument."""


def resolve_inputs(
    task: Task,
    parameters: Mapping[str, Value],
    done: Mapping[str, Outputs],
    service: Service,
    job: Mapping[str, str],
) -> specs.ExecutorInput:
    """Build the first half of the executor's input.

    Args:
        task: about to run.
        parameters: of the run.
        done: the outputs of the tasks that have ended, by task.
        service: Kubeflow or Vertex.
        job: the values of `{{$.pipeline_job_uuid}}` and similar placeholders, by name.

    Raises:
        Refused: a value is missing or has the wrong type, as in the real driver.
    """
    made = specs.ExecutorInput()
    _resolve_parameters(task, parameters, done, service, job, made)
    _resolve_artifacts(task, done, service, made)
    return made


def _resolve_parameters(
    task: Task,
    parameters: Mapping[str, Value],
    done: Mapping[str, Outputs],
    service: Service,
    job: Mapping[str, str],
    made: specs.ExecutorInput,
) -> None:
    for name, source in task.spec.inputs.parameters.items():
        value = _parameter(name, source, parameters, done, job)
        definition = task.component.input_definitions.parameters[name]
        if value.HasField("null_value"):
            if not definition.is_optional:
                raise Refused(f"the resolved input parameter is null: {name}")
            continue
        made.inputs.parameter_values[name].CopyFrom(value)
    for name, definition in task.component.input_definitions.parameters.items():
        if name in made.inputs.parameter_values:
            _convert(name, definition.parameter_type, made.inputs.parameter_values[name])
        elif not definition.is_optional:
            if not definition.HasField("default_value"):
                raise Refused(
                    f'neither value nor default value provided for non-optional parameter "{name}"'
                )
            value = service.default_alone(name, definition.parameter_type)
            if value is not None:
                made.inputs.parameter_values[name].CopyFrom(value)


def _resolve_artifacts(
    task: Task, done: Mapping[str, Outputs], service: Service, made: specs.ExecutorInput
) -> None:
    for name, artifact in task.spec.inputs.artifacts.items():
        producer = artifact.task_output_artifact
        if not artifact.HasField("task_output_artifact"):
            raise Refused(f"input artifact {name} of {task.name}: the pipeline has none of its own")
        outputs = done[producer.producer_task]
        if producer.output_artifact_key not in outputs.artifacts:
            raise Refused(
                f"cannot find output artifact key {producer.output_artifact_key!r} in producer "
                f"task {producer.producer_task!r}"
            )
        stored = outputs.artifacts[producer.output_artifact_key]
        seen = made.inputs.artifacts[name].artifacts.add()
        seen.name = service.artifact_name(stored)
        seen.uri = stored.uri
        seen.type.CopyFrom(service.type_seen(outputs.types[producer.output_artifact_key]))
        seen.metadata.CopyFrom(service.metadata(stored))


def provision_outputs(
    task: Task, made: specs.ExecutorInput, task_root: str, service: Service
) -> None:
    """Build the second half: provisionOutputs.

    Args:
        task: about to run.
        made: gets the outputs.
        task_root: URI of this task's own folder, never used before.
        service: Kubeflow or Vertex.
    """
    definitions = task.component.output_definitions.artifacts
    types = {name: definition.artifact_type for name, definition in definitions.items()}
    for name, artifact_type in {**types, **service.outputs_of_its_own()}.items():
        artifact = made.outputs.artifacts[name].artifacts.add()
        artifact.name = service.output_name(name)
        artifact.uri = f"{task_root}/{name}"
        artifact.type.CopyFrom(artifact_type)
        if name in definitions and definitions[name].HasField("metadata"):
            artifact.metadata.CopyFrom(definitions[name].metadata)
    for name in task.component.output_definitions.parameters:
        made.outputs.parameters[name].output_file = f"/tmp/kfp/outputs/{name}"
    made.outputs.output_file = service.output_file(task_root)


def _parameter(
    name: str,
    source: specs.TaskInputsSpec.InputParameterSpec,
    parameters: Mapping[str, Value],
    done: Mapping[str, Outputs],
    job: Mapping[str, str],
) -> Value:
    if source.parameter_expression_selector:
        raise Refused(f"input parameter {name}: this stand-in knows no expressions")
    kind = source.WhichOneof("kind")
    if kind == "component_input_parameter":
        if source.component_input_parameter not in parameters:
            raise Refused(
                f"parent DAG does not have input parameter {source.component_input_parameter}"
            )
        return parameters[source.component_input_parameter]
    if kind == "task_output_parameter":
        producer = source.task_output_parameter
        outputs = done[producer.producer_task].parameters
        if producer.output_parameter_key not in outputs:
            raise Refused(
                f"cannot find output parameter key {producer.output_parameter_key!r} in producer "
                f"task {producer.producer_task!r}"
            )
        return outputs[producer.output_parameter_key]
    if kind == "runtime_value":
        value = source.runtime_value
        if value.WhichOneof("value") != "constant":
            raise Refused(
                f"param runtime value spec of type {value.WhichOneof('value')} not implemented"
            )
        if value.constant.string_value in job:
            return Value(string_value=job[value.constant.string_value])
        return value.constant
    raise Refused(f"parameter spec of type {kind} not implemented yet")


def _convert(name: str, parameter_type: int, value: Value) -> None:
    """handleParamTypeValidationAndConversion: all may become text, and nothing else changes."""
    kind = value.WhichOneof("kind")
    if parameter_type == specs.ParameterType.STRING:
        if kind != "string_value":
            value.string_value = text_of(value)
    elif _KINDS.get(parameter_type) != kind:
        expected = specs.ParameterType.ParameterTypeEnum.Name(parameter_type)
        actual = (kind or "nothing").removesuffix("_value")
        raise Refused(f'input parameter "{name}" type mismatch: expect {expected}, got {actual}')
