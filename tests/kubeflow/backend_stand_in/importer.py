"""Artifacts that come from outside: backend/src/v2/component/importer_launcher.go."""

from collections.abc import Mapping

from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from .documents import Refused
from .driver import Service
from .record import Record
from .template import Task


def import_artifact(
    task: Task, parameters: Mapping[str, Value], record: Record, service: Service
) -> tuple[str, mlmd.Artifact]:
    """Find the artifact that was imported before, or make it.

    Raises:
        Refused: the importer names no URI, or more than one output.
    """
    importer = task.executor.importer
    names = list(task.component.output_definitions.artifacts)
    if len(names) != 1:
        raise Refused(f"{task.name}: failed to extract output artifact name")
    artifact = record.of_type(importer.type_schema)
    artifact.uri = _uri(task, importer, parameters)
    for key, value in service.imported(importer.metadata, artifact.uri).items():
        artifact.custom_properties[key].CopyFrom(value)
    return names[0], artifact if importer.reimport else record.same_or_new(artifact)


def _uri(
    task: Task,
    importer: specs.PipelineDeploymentConfig.ImporterSpec,
    parameters: Mapping[str, Value],
) -> str:
    kind = importer.artifact_uri.WhichOneof("value")
    if kind == "constant":
        uri = importer.artifact_uri.constant.string_value
        if not uri:
            raise Refused("empty Artifact URI constant value")
        return uri
    if kind != "runtime_parameter":
        raise Refused("artifact uri not provided")
    name = importer.artifact_uri.runtime_parameter
    if name not in task.spec.inputs.parameters:
        raise Refused(f"cannot find parameter {name} in task input to fetch artifact uri")
    source = task.spec.inputs.parameters[name].component_input_parameter
    if source not in parameters:
        raise Refused(
            f"error resolving artifact URI: parent DAG does not have input parameter {source}"
        )
    uri = parameters[source].string_value
    if not uri:
        raise Refused(f"empty artifact URI runtime value for parameter {name}")
    return uri
