"""Kubeflow Pipelines: how its driver and launcher go about a task.

    backend = KubeflowBackend(folder)
    run = backend.run(yaml_text, {"max_mae": 0.1})
    run.states["Trainer"]  # State.CACHED

Rules of backend/src/v2/metadata/{client,converter}.go and
backend/src/v2/component/{launcher_v2,importer_launcher}.go.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from . import launcher
from .documents import Refused
from .engine import Engine
from .objects import local_path, parts
from .parameters import run_parameters
from .pods import check_resources
from .run import Run
from .template import Task, read_template

DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""Of a run that names none: (*Config).DefaultPipelineRoot of backend/src/v2/config/env.go."""


class KubeflowService:
    """What goes through ML Metadata, and how it comes out."""

    def artifact_name(self, artifact: mlmd.Artifact) -> str:
        """Its number: toRuntimeArtifact."""
        return str(artifact.id)

    def output_name(self, name: str) -> str:
        """Its key: provisionOutputs."""
        return name

    def type_seen(self, schema: specs.ArtifactTypeSchema) -> specs.ArtifactTypeSchema:
        """Nothing: GetOutputArtifactsByExecutionId forgets the schema."""
        return specs.ArtifactTypeSchema(instance_schema="")

    def output_file(self, task_root: str) -> str:
        """A local path: provisionOutputs."""
        return f"{local_path(task_root)}/output_metadata.json"

    def imported(self, metadata: Struct) -> dict[str, mlmd.Value]:
        """ImportSpecToMLMDArtifact."""
        properties = {key: _mlmd_value(key, value) for key, value in metadata.fields.items()}
        properties["store_session_info"] = mlmd.Value(string_value="{}")
        return properties

    def properties(self, name: str, artifact: specs.RuntimeArtifact) -> dict[str, mlmd.Value]:
        """RecordArtifact.

        Raises:
            Refused: a property is null.
        """
        more = {"display_name": name, "store_session_info": "{}"}
        return {
            **{key: mlmd.Value(string_value=text) for key, text in more.items()},
            **{key: _mlmd_value(key, value) for key, value in artifact.metadata.fields.items()},
        }

    def metadata(self, artifact: mlmd.Artifact) -> Struct:
        """toRuntimeArtifact."""
        seen = Struct()
        for key, value in artifact.custom_properties.items():
            seen.fields[key].CopyFrom(_json_value(value))
        return seen


class KubeflowBackend(Engine):
    """Kubeflow Pipelines, of the folder given."""

    service = KubeflowService()

    def run(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        pipeline_root: str | None = None,
        caching: bool = True,
    ) -> Run:
        """Run a compiled pipeline.

        Args:
            text: YAML.
            parameters: of the run; the rest have their defaults.
            pipeline_root: of the run. The back end never reads the spec's `defaultPipelineRoot`.
            caching: False does what `enable_caching=False` of the client does.

        Returns:
            How it ended; a failing task ends it, as Argo's `failFast` does.

        Raises:
            Refused: nothing was started.
        """
        template = read_template(text)
        values = run_parameters(template.spec, parameters or {})
        root = pipeline_root or DEFAULT_ROOT
        parts(root)
        return self.run_template(template, values, root, caching, str(uuid.uuid4()))

    def task_root(self, pipeline_root: str, run: Run, task: str) -> str:
        """GenerateOutputURI, with the salt of provisionOutputs."""
        return f"{pipeline_root.rstrip('/')}/{task}/{uuid.uuid4()}"

    def check_imported(self, artifact: mlmd.Artifact) -> None:
        """ParseProviderFromPath: the store is known by the scheme."""
        parts(artifact.uri)

    def attempt(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, root: str
    ) -> dict[str, Value]:
        """Copy in, run, copy out: Execute of launcher_v2.go."""
        check_resources(task)
        launcher.download_inputs(made, self.objects, pod.root)
        launcher.prepare_output_folders(made, pod.root)
        launcher.run_container(task, made, pod)
        said = launcher.read_output_file(pod.root / made.outputs.output_file.lstrip("/"))
        launcher.merge_outputs(made, said)
        parameters = launcher.output_parameters(task, made, said, pod.root)
        launcher.upload_outputs(made, self.objects, pod.root, root)
        return parameters


def _mlmd_value(key: str, value: Value) -> mlmd.Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return mlmd.Value(string_value=value.string_value)
    if kind == "number_value":
        return mlmd.Value(double_value=value.number_value)
    if kind == "bool_value":
        return mlmd.Value(int_value=int(value.bool_value))
    wrapped = Struct()
    if kind == "list_value":
        wrapped.fields["list"].CopyFrom(value)
    elif kind == "struct_value":
        wrapped.fields["struct"].CopyFrom(value)
    else:
        raise Refused(f"property {key}: unknown/unsupported value type {kind}")
    return mlmd.Value(struct_value=wrapped)


def _json_value(value: mlmd.Value) -> Value:
    """A property as an executor sees it (toRuntimeArtifact): whole numbers become doubles."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return Value(string_value=value.string_value)
    if kind == "struct_value":
        return Value(struct_value=value.struct_value)
    return Value(number_value=float(getattr(value, kind)))
