"""Kubeflow Pipelines: how its driver and launcher go about a task.

    backend = KubeflowBackend(folder)
    run = backend.run(yaml_text, {"max_mae": 0.1})
    run.states["Trainer"]  # State.CACHED

Rules of backend/src/v2/metadata/{client,converter}.go and
backend/src/v2/component/{launcher_v2,importer_launcher}.go.
"""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from . import launcher
from .buckets import open_bucket
from .documents import Refused
from .engine import Engine
from .namespace import check_log_archive, profile_namespace
from .objects import local_path, parts
from .parameters import run_parameters
from .pods import Cluster, check_resources
from .retries import KubeflowRetries, Strategy
from .run import Run, State
from .sessions import Session, imported_session, session_of
from .template import Task, Template, read_template

DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
"""The root of a run without one: (*Config).DefaultPipelineRoot of backend/src/v2/config/env.go."""
NEWEST = "2.17.0"
_LAUNCHER_CONFIG = "kfp-launcher"


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

    def outputs_of_its_own(self) -> dict[str, specs.ArtifactTypeSchema]:
        """provisionOutputs, with `publishLogs`, the API server's default."""
        return {launcher.LOGS: specs.ArtifactTypeSchema(schema_title="system.Artifact")}

    def default_alone(self, name: str, parameter_type: int) -> Value | None:
        """handleParamTypeValidationAndConversion: a text is empty.

        Raises:
            Refused: any other type.
        """
        if parameter_type == specs.ParameterType.STRING:
            return Value(string_value="")
        raise Refused(f"parameter {name} has unknown protobuf.Value type: <nil>")

    def imported(self, metadata: Struct, uri: str) -> dict[str, mlmd.Value]:
        """ImportSpecToMLMDArtifact.

        Raises:
            Refused: the URI's scheme does not identify a store.
        """
        properties = {key: _mlmd_value(value) for key, value in metadata.fields.items()}
        try:
            session = imported_session(uri)
        except Refused as error:
            raise Refused(f"no provider scheme found in artifact URI: {uri}") from error
        properties["store_session_info"] = mlmd.Value(string_value=session.as_json())
        return properties

    def properties(
        self, name: str, artifact: specs.RuntimeArtifact, session: Session | None
    ) -> dict[str, mlmd.Value]:
        """RecordArtifact.

        Raises:
            Refused: a property is null.
        """
        more = {"display_name": name, "store_session_info": session.as_json() if session else "{}"}
        return {
            **{key: mlmd.Value(string_value=text) for key, text in more.items()},
            **{key: _mlmd_value(value) for key, value in artifact.metadata.fields.items()},
        }

    def metadata(self, artifact: mlmd.Artifact) -> Struct:
        """toRuntimeArtifact."""
        seen = Struct()
        for key, value in artifact.custom_properties.items():
            seen.fields[key].CopyFrom(_json_value(value))
        return seen


class KubeflowBackend(Engine):
    """Kubeflow Pipelines, of the folder given.

    Args:
        folder: for all that is kept.
        cluster: the namespace of its runs; left out, a profile's.
        before, lasts: as `Engine` has them.
        version: of Kubeflow Pipelines; from 2.17 on a failed container is not tried again.
    """

    service = KubeflowService()

    def __init__(
        self,
        folder: Path,
        cluster: Cluster | None = None,
        before: Callable[[str, int], None] = lambda task, pod: None,
        lasts: Callable[[str, int], float] = lambda task, pod: 1.0,
        version: str = NEWEST,
    ):
        super().__init__(folder, cluster or profile_namespace(), before, lasts)
        self._retries = KubeflowRetries(version)
        self.importer_strategy = self._retries.of_importer

    def run(
        self,
        text: str,
        parameters: Mapping[str, Any] | None = None,
        pipeline_root: str | None = None,
        caching: bool = True,
    ) -> Run:
        """Run a compiled pipeline, as the API server does.

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
        return self.start(template, parameters or {}, pipeline_root, caching)

    def start(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        pipeline_root: str | None = None,
        caching: bool = True,
    ) -> Run:
        """The same without the API server, the only part that checks the pipeline's name."""
        values = run_parameters(template.spec, parameters)
        config = self.cluster.config_maps.get(_LAUNCHER_CONFIG, {})
        requested = pipeline_root or config.get("defaultPipelineRoot") or DEFAULT_ROOT
        run_id = str(uuid.uuid4())
        run = Run(run_id, output_uri(requested, template.name, run_id))
        try:
            check_log_archive(self.cluster)  # the root driver is the first pod
            run.session = session_of(requested, config)
        except (Refused, launcher.ContainerFailed) as error:
            run.states = dict.fromkeys(template.tasks, State.OMITTED)
            run.error = str(error)
            return run
        return self.run_template(template, values, run, caching)

    def task_root(self, run: Run, task: str) -> str:
        """GenerateOutputURI, with the salt of provisionOutputs; here without the query."""
        return output_uri(run.root.partition("?")[0], task, str(uuid.uuid4()))

    def strategy(self, task: Task) -> Strategy:
        """Argo's, of the version."""
        return self._retries.of_task(task.spec)

    def check_imported(self, artifact: mlmd.Artifact) -> None:
        """Nothing more: what is imported need not be there."""

    def attempt(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, run: Run
    ) -> dict[str, Value]:
        """Copy in, run, copy out: Execute of launcher_v2.go, and then main.go's last line."""
        check_resources(task)
        try:
            return self._launched(task, made, pod, run)
        except launcher.ContainerFailed as error:
            message = f"failed to execute component: {error}"
            launcher.end_log(pod, message)
            run.exit_codes[task.name] = 1  # for any exit code of the command
            raise launcher.ContainerFailed(message) from error

    def _launched(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, run: Run
    ) -> dict[str, Value]:
        launcher.number_logs(made, pod.retry)
        root = open_bucket(run.root, run.session, pod.variables(task), self.cluster)
        launcher.prepare_output_folders(made, pod.root)
        self._reach_inputs(task, made, pod, run)
        launcher.download_inputs(made, self.objects, pod.root)
        try:
            launcher.run_container(task, made, pod)
        finally:
            launcher.keep_log(made, pod, self.objects)
        file = pod.root / made.outputs.output_file.lstrip("/")
        output = launcher.read_output_file(file, made.outputs.output_file)
        launcher.merge_outputs(made, output)
        parameters = launcher.output_parameters(task, made, output, pod.root)
        try:
            root.reach()
        except launcher.ContainerFailed as error:
            raise launcher.ContainerFailed(f"failed to upload output artifact: {error}") from error
        launcher.upload_outputs(made, self.objects, pod.root, run.root)
        for name, artifacts in made.outputs.artifacts.items():
            self._check_recorded(name, artifacts.artifacts[0], run)
        return parameters

    def _reach_inputs(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, run: Run
    ) -> None:
        """fetchNonDefaultBuckets: the root's session is the root's bucket's, without its query."""
        root = run.root.partition("?")[0]
        for name, artifacts in made.inputs.artifacts.items():
            uri = artifacts.artifacts[0].uri
            in_root = uri.startswith(root)
            session = run.session if parts(uri)[:2] == parts(root)[:2] else None
            opened = run.root if in_root else uri
            try:
                open_bucket(opened, session, pod.variables(task), self.cluster).reach()
            except launcher.ContainerFailed as error:
                raise launcher.ContainerFailed(
                    f'failed to download input artifact "{name}" from remote storage URI "{uri}": '
                    f"{error}"
                ) from error

    def _check_recorded(self, name: str, artifact: specs.RuntimeArtifact, run: Run) -> None:
        try:
            self.service.properties(name, artifact, run.session)
        except Refused as error:
            raise launcher.ContainerFailed(
                f'unable to produce MLMD artifact for output "{name}": failed to convert '
                f"RuntimeArtifact to MLMD artifact: {error}"
            ) from error


def output_uri(root: str, *below: str) -> str:
    """GenerateOutputURI: the root's query stays at the end."""
    address, separator, query = root.partition("?")
    return f"{'/'.join([address.rstrip('/'), *below])}{separator}{query}"


def _mlmd_value(value: Value) -> mlmd.Value:
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
        raise Refused("unknown/unsupported value type *structpb.Value_NullValue")
    return mlmd.Value(struct_value=wrapped)


def _json_value(value: mlmd.Value) -> Value:
    """A property as an executor sees it (toRuntimeArtifact): whole numbers become doubles."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return Value(string_value=value.string_value)
    if kind == "struct_value":
        return Value(struct_value=value.struct_value)
    return Value(number_value=float(getattr(value, kind)))
