"""What the back end remembers between tasks and runs: ML Metadata's own store, on SQLite.

Rules of backend/src/v2/metadata/{client,converter}.go; the cache is the table `tasks` of
backend/src/v2/cacheutils/cache.go, here a property of the executions.
"""

from collections.abc import Mapping
from pathlib import Path

from google.protobuf.struct_pb2 import Value as Json
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd

from .documents import Refused

COMPLETE = mlmd.Execution.COMPLETE
CACHED = mlmd.Execution.CACHED
FAILED = mlmd.Execution.FAILED
RUNNING = mlmd.Execution.RUNNING


class Record:
    """Executions, artifacts, and which task's result may be taken again."""

    def __init__(self, file: Path, pipeline: str):
        config = mlmd.ConnectionConfig()
        config.sqlite.filename_uri = str(file)
        config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self._store = metadata_store.MetadataStore(config)
        self._execution_type = self._store.put_execution_type(
            mlmd.ExecutionType(name="system.ContainerExecution")
        )
        context_type = self._store.put_context_type(mlmd.ContextType(name="system.Pipeline"))
        known = self._store.get_context_by_type_and_name("system.Pipeline", pipeline)
        self._context = known or mlmd.Context(name=pipeline, type_id=context_type)
        if known is None:
            [self._context.id] = self._store.put_contexts([self._context])

    def start(self, run: str, task: str, fingerprint: str) -> mlmd.Execution:
        """CreateExecution."""
        execution = mlmd.Execution(type_id=self._execution_type, last_known_state=RUNNING)
        for key, value in (("run", run), ("task_name", task), ("cache_fingerprint", fingerprint)):
            execution.custom_properties[key].string_value = value
        [execution.id] = self._store.put_executions([execution])
        return execution

    def publish(
        self,
        execution: mlmd.Execution,
        state: "mlmd.Execution.State",
        artifacts: Mapping[str, mlmd.Artifact],
        parameters: Mapping[str, Json],
    ) -> None:
        """PublishExecution; new artifacts get their number here."""
        execution.last_known_state = state
        for name, value in parameters.items():
            execution.custom_properties["outputs"].struct_value.fields[name].CopyFrom(value)
        pairs = []
        for name, artifact in artifacts.items():
            event = mlmd.Event(type=mlmd.Event.OUTPUT)
            event.path.steps.add(key=name)
            if artifact.id:
                event.artifact_id = artifact.id
                pairs.append((None, event))
            else:
                pairs.append((artifact, event))
        self._store.put_execution(execution, pairs, [self._context])

    def outputs(self, execution_id: int) -> tuple[dict[str, mlmd.Artifact], dict[str, Json]]:
        """GetOutputArtifactsByExecutionId and the output parameters."""
        events = self._store.get_events_by_execution_ids([execution_id])
        names = {
            event.artifact_id: event.path.steps[0].key
            for event in events
            if event.type == mlmd.Event.OUTPUT
        }
        artifacts = self._store.get_artifacts_by_id(list(names))
        [execution] = self._store.get_executions_by_id([execution_id])
        parameters = execution.custom_properties["outputs"].struct_value.fields
        return {names[artifact.id]: artifact for artifact in artifacts}, dict(parameters)

    def twice(self, run: str) -> str:
        """GetExecutionsInDAG: a task of a run that has two executions, so that no driver works."""
        names = [
            execution.custom_properties["task_name"].string_value
            for execution in self._store.get_executions_by_type("system.ContainerExecution")
            if execution.custom_properties["run"].string_value == run
        ]
        return next((name for name in names if names.count(name) > 1), "")

    def cached(self, fingerprint: str) -> int | None:
        """GetExecutionCache: the newest execution that completed with this fingerprint."""
        matches = [
            execution.id
            for execution in self._store.get_executions_by_context(self._context.id)
            if execution.last_known_state == COMPLETE
            and execution.custom_properties["cache_fingerprint"].string_value == fingerprint
        ]
        return max(matches, default=None)

    def of_type(self, schema: specs.ArtifactTypeSchema) -> mlmd.Artifact:
        """A new artifact, live, and not yet stored."""
        type_id = self._store.put_artifact_type(mlmd.ArtifactType(name=title(schema)))
        return mlmd.Artifact(type_id=type_id, state=mlmd.Artifact.LIVE)

    def same_or_new(self, artifact: mlmd.Artifact) -> mlmd.Artifact:
        """FindMatchedArtifact: an importer gives the artifact it gave before, where it can."""
        for known in self._store.get_artifacts_by_uri(artifact.uri):
            if (
                known.type_id == artifact.type_id
                and known.state == artifact.state
                and all(
                    known.custom_properties.get(key) == value
                    for key, value in artifact.custom_properties.items()
                )
                and any(
                    context.id == self._context.id
                    for context in self._store.get_contexts_by_artifact(known.id)
                )
            ):
                return known
        return artifact


def title(schema: specs.ArtifactTypeSchema) -> str:
    """The type's name: getArtifactSchema of launcher_v2.go and SchemaToArtifactType."""
    kind = schema.WhichOneof("kind")
    if kind == "schema_title":
        return schema.schema_title
    if kind != "instance_schema":
        raise Refused(f"unknown type {kind} in ArtifactTypeSchema")
    for line in schema.instance_schema.splitlines():
        if line.startswith("title:"):
            return line.partition(":")[2].strip()
    raise Refused("No title specified")
