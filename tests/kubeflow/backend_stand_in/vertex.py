"""Vertex AI Pipelines, as described by its documentation and TFX's own container code.

    backend = VertexBackend(folder)
    run = backend.run(json_text, {"max_mae": 0.1})

It differs from Kubeflow Pipelines: the job is JSON with its runtime configuration next to the spec;
artifacts have resource names, and keep their types and metadata; every bucket is mounted at `/gcs`
in every container, so nothing is copied, and the files of a killed attempt stay. The layout under
`gcsOutputDirectory` is that of TFX's kubeflow_v2_run_executor.py.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from . import launcher
from .documents import SCHEMA_VERSION, Refused
from .engine import Engine
from .parameters import run_parameters
from .retries import Strategy
from .run import Run
from .sessions import Session
from .template import Task, Template, template_of

PROJECT = "123456789"
_ARTIFACTS = f"projects/{PROJECT}/locations/us-central1/metadataStores/default/artifacts"
_LABEL = re.compile("[a-z0-9_-]{1,63}")


class VertexService:
    """What goes through Vertex ML Metadata, and how it comes out: as it went in."""

    def artifact_name(self, artifact: mlmd.Artifact) -> str:
        """Its resource name."""
        return artifact.name or f"{_ARTIFACTS}/{artifact.id}"

    def output_name(self, name: str) -> str:
        """Its resource name: the artifact is there before the task runs."""
        return f"{_ARTIFACTS}/{uuid.uuid4().int % 10**19}"

    def type_seen(self, schema: specs.ArtifactTypeSchema) -> specs.ArtifactTypeSchema:
        """Its own."""
        return schema

    def output_file(self, task_root: str) -> str:
        """A URI."""
        return f"{task_root}/executor_output.json"

    def outputs_of_its_own(self) -> dict[str, specs.ArtifactTypeSchema]:
        """Nothing."""
        return {}

    def default_alone(self, name: str, parameter_type: int) -> Value | None:
        """Its default, which the container gets."""
        return None

    def imported(self, metadata: Struct, uri: str) -> dict[str, mlmd.Value]:
        """All of it."""
        return {"metadata": mlmd.Value(struct_value=metadata)}

    def properties(
        self, name: str, artifact: specs.RuntimeArtifact, session: Session | None
    ) -> dict[str, mlmd.Value]:
        """All of it."""
        return {"metadata": mlmd.Value(struct_value=artifact.metadata)}

    def metadata(self, artifact: mlmd.Artifact) -> Struct:
        """All of it."""
        return artifact.custom_properties["metadata"].struct_value


class VertexBackend(Engine):
    """Vertex AI Pipelines, of the folder given."""

    service = VertexService()

    def run(self, text: str, parameters: Mapping[str, Any] | None = None) -> Run:
        """Run a compiled pipeline job.

        Args:
            text: JSON of a PipelineJob.
            parameters: of the run; they override those of the job.

        Returns:
            The result; a failed task ends the run.

        Raises:
            Refused: nothing was started.
        """
        job, template = read_job(text)
        given = json_format.MessageToDict(job.runtime_config).get("parameterValues", {})
        values = run_parameters(template.spec, {**given, **(parameters or {})})
        run_id = f"{template.name}-{uuid.uuid4().hex[:14]}"
        root = job.runtime_config.gcs_output_directory
        (self.objects.folder / "gs").mkdir(parents=True, exist_ok=True)
        return self.run_template(template, values, Run(run_id, root), True)

    def task_root(self, run: Run, task: str) -> str:
        """`<gcsOutputDirectory>/<project number>/<job>/<task>_<number>`."""
        number = uuid.uuid4().int % 10**18
        return f"{run.root.rstrip('/')}/{PROJECT}/{run.id}/{task}_{number}"

    def strategy(self, task: Task) -> Strategy:
        """Retry after any failure, up to the limit."""
        return Strategy(limit=task.spec.retry_policy.max_retry_count, failed=True, lost=True)

    def check_imported(self, artifact: mlmd.Artifact) -> None:
        """Any URI can be imported."""

    def attempt(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, run: Run
    ) -> dict[str, Value]:
        """Run with the buckets mounted."""
        (pod.root / "gcs").symlink_to(self.objects.folder.resolve() / "gs")
        for parameter in made.outputs.parameters.values():
            (pod.root / parameter.output_file.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        launcher.run_container(task, made, pod)
        output_file = made.outputs.output_file
        output = launcher.read_output_file(self.objects.path(output_file), output_file)
        launcher.merge_outputs(made, output)
        return launcher.output_parameters(task, made, output, pod.root)


def read_job(text: str) -> tuple[specs.PipelineJob, Template]:
    """Read the JSON of a pipeline job.

    Raises:
        Refused: Vertex would not start it.
    """
    try:
        job = json_format.ParseDict(json.loads(text), specs.PipelineJob())
        spec = json_format.ParseDict(
            json_format.MessageToDict(job.pipeline_spec), specs.PipelineSpec()
        )
    except (ValueError, json_format.ParseError) as error:
        raise Refused(f"INVALID_ARGUMENT: the job is no PipelineJob: {error}") from error
    if spec.schema_version != SCHEMA_VERSION:
        raise Refused(f"this stand-in reads schema {SCHEMA_VERSION} alone")
    if job.runtime_config.parameters:
        raise Refused("INVALID_ARGUMENT: `parameters` belong to schema 2.0.0: parameterValues")
    if not re.fullmatch("gs://[^/]+(/.*)?", job.runtime_config.gcs_output_directory):
        raise Refused("INVALID_ARGUMENT: runtimeConfig.gcsOutputDirectory is no gs:// folder")
    for key, value in job.labels.items():
        if not _LABEL.fullmatch(key) or (value and not _LABEL.fullmatch(value)):
            raise Refused(f"INVALID_ARGUMENT: label {key}={value}")
    template = template_of(spec, importers_wait=True)
    for task in template.tasks.values():
        _check_task(task)
    return job, template


def _check_task(task: Task) -> None:
    if task.spec.retry_policy.max_retry_count > 10:
        raise Refused(f"INVALID_ARGUMENT: {task.name}: at most 10 retries")
    accelerator = task.executor.container.resources.accelerator
    kind = accelerator.resource_type or accelerator.type
    if kind:
        from google.cloud.aiplatform_v1.types import AcceleratorType

        if kind not in AcceleratorType.__members__:
            raise Refused(f"INVALID_ARGUMENT: {task.name}: no accelerator is called {kind}")
