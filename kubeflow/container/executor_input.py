"""Converts the input of a container on Kubeflow or Vertex to the form that TFX expects.

It follows kubeflow/pipelines (backend/src/v2): `metadata/converter.go` for metadata,
`driver/driver.go` for the outputs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec.pipeline_spec_pb2 import (
    ArtifactTypeSchema,
    ComponentInputsSpec,
    ExecutorInput,
    RuntimeArtifact,
)

from customer_age.components.artifacts.types import ORIGINAL_URI
from customer_age.errors import SettingsError
from customer_age.files import store
from customer_age.files.addresses import is_remote

from ..artifact_types import title_for_tfx
from .launcher_paths import LauncherPaths

_LOGS = "executor-logs"

_FOLDERS_OF_MODELS = ("assets", "assets.extra", "variables")
_FOLDERS_OF_TFX = ("Split-", "Format-")


@dataclass(frozen=True)
class Invocation:
    """One call of an executor.

    Attributes:
        message: converted; the executor opens its URIs.
        originals: opened path to the URI of the artifact.
        titles: output to the schema title that the pipeline was compiled with.
        output_file: the file in which the back end expects the executor's output.
        paths: of the artifacts.
        uploaded: whether a launcher uploads the outputs' local folders. Kubeflow's launcher does;
            Vertex mounts the store there, so that an empty folder would become an object.
    """

    message: ExecutorInput
    originals: Mapping[str, str]
    titles: Mapping[str, str]
    output_file: str
    paths: LauncherPaths = LauncherPaths()
    uploaded: bool = False


def invocation(executor_input: str, inputs_spec: str, paths: LauncherPaths) -> Invocation:
    """Read and convert the input of a container.

    Args:
        executor_input: an ExecutorInput as JSON.
        inputs_spec: the component's ComponentInputsSpec as JSON.
        paths: of the artifacts.

    Raises:
        SettingsError: one of the two is not valid.
    """
    message = _parsed(executor_input, ExecutorInput(), "--json_serialized_invocation_args")
    declared = _parsed(inputs_spec, ComponentInputsSpec(), "--json_serialized_inputs_spec_args")
    drop_executor_logs(message)
    titles = {key: _title(one.type) for key, one in _artifacts(message.outputs)}
    give_types(message, declared)
    drop_null_parameters(message)
    for _, one in [*_artifacts(message.inputs), *_artifacts(message.outputs)]:
        drop_null_metadata(one)
        unwrap_collections(one)
    originals = open_where_launched(message, paths)
    named = message.outputs.output_file
    return Invocation(
        message, originals, titles, paths.output_file(named), paths, uploaded="://" not in named
    )


def prepare_folders(message: ExecutorInput) -> None:
    """Restore the folders of the inputs, and make the outputs' folders empty.

    Args:
        message: converted.
    """
    for _, one in _artifacts(message.inputs):
        restore_folders(one.uri)
    for _, one in _artifacts(message.outputs):
        make_empty_folder(one.uri)


def drop_executor_logs(message: ExecutorInput) -> None:
    """Remove the launcher's own output: the log of this process.

    Kubeflow adds it if it is configured to keep logs; no component declares it.
    """
    message.outputs.artifacts.pop(_LOGS, None)


def give_types(message: ExecutorInput, declared: ComponentInputsSpec) -> None:
    """Set the schema title of each artifact, from which TFX finds its class.

    Kubeflow does not keep the schema: an input has an empty `instance_schema`, or no type. So the
    types that the pipeline was compiled with are used.
    """
    for key, one in _artifacts(message.inputs):
        titles = (_title(declared.artifacts[key].artifact_type), _title(one.type))
        one.type.schema_title = title_for_tfx(titles)
    for _, one in _artifacts(message.outputs):
        one.type.schema_title = title_for_tfx([_title(one.type)])


def drop_null_parameters(message: ExecutorInput) -> None:
    """Remove parameters without a value, which TFX would read as the number 0."""
    parameters = message.inputs.parameter_values
    for name in [name for name, value in parameters.items() if _is_null(value)]:
        del parameters[name]


def drop_null_metadata(one: RuntimeArtifact) -> None:
    """Remove metadata without a value, which TFX and the launcher do not accept."""
    fields = one.metadata.fields
    for name in [name for name, value in fields.items() if _is_null(value)]:
        del fields[name]


def unwrap_collections(one: RuntimeArtifact) -> None:
    """Unwrap lists and objects among an artifact's metadata.

    ML Metadata supports neither, so the launcher wraps them in an object with one field, `list` or
    `struct`, and passes that to the next component.
    """
    for value in one.metadata.fields.values():
        inner = value.struct_value.fields if value.HasField("struct_value") else {}
        for wrapping, kind in (("list", "list_value"), ("struct", "struct_value")):
            if list(inner) == [wrapping] and inner[wrapping].HasField(kind):
                unwrapped = struct_pb2.Value()
                unwrapped.CopyFrom(inner[wrapping])
                value.CopyFrom(unwrapped)
                break


def open_where_launched(message: ExecutorInput, paths: LauncherPaths) -> dict[str, str]:
    """Replace each artifact's URI by the path that the executor opens; keep it as a property.

    Returns:
        Opened path to the URI of the artifact, if the two differ.
    """
    originals = {}
    for _, one in [*_artifacts(message.inputs), *_artifacts(message.outputs)]:
        opened = paths.opened(one.uri)
        if opened != one.uri:
            originals[opened] = one.uri
            one.metadata[ORIGINAL_URI] = one.uri
            one.uri = opened
    return originals


def restore_folders(opened: str) -> None:
    """Turn empty files that represent folders into folders.

    Consoles and some clients create an empty object `folder/`, which the launcher downloads as a
    file `folder`. But an empty file may also be a real file, such as `BLESSED`. So only the
    artifact itself, and the names that TFX and TensorFlow use for folders, are restored.
    """
    path = Path(opened)
    if "://" in opened or not path.exists():
        return
    candidates = [path] if path.is_file() else path.rglob("*")
    for file in list(candidates):
        named = file.name in _FOLDERS_OF_MODELS or file.name.startswith(_FOLDERS_OF_TFX)
        if (named or file == path) and file.is_file() and not file.stat().st_size:
            file.unlink()
            file.mkdir()


def make_empty_folder(opened: str) -> None:
    """Create an output's folder, without the files of a killed attempt at the same task.

    TFX's local runner does the same before an executor runs; TFX's containers do not.
    """
    store.delete(opened, folder=True)
    if not is_remote(opened):  # a store has no folders
        Path(opened).mkdir(parents=True)


def _artifacts(side: Any) -> Iterator[tuple[str, RuntimeArtifact]]:
    """Yield the artifacts of the inputs or the outputs, with their names."""
    for key, several in side.artifacts.items():
        for one in several.artifacts:
            yield key, one


def _title(schema: ArtifactTypeSchema) -> str:
    """Return the title of an artifact type; empty if it has none."""
    if schema.WhichOneof("kind") == "schema_title":
        return schema.schema_title
    instance_schema = yaml.safe_load(schema.instance_schema)  # None if it is empty
    return (instance_schema or {}).get("title", "")


def _is_null(value: struct_pb2.Value) -> bool:
    return value.WhichOneof("kind") in (None, "null_value")


def _parsed(text: str, message: Any, option: str) -> Any:
    try:
        return json_format.Parse(text, message, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise SettingsError(f"{option}: {' '.join(str(error).split())}") from error
