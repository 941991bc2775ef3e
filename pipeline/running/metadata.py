"""Reads and corrects ML Metadata about runs on this machine."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml_metadata import errors
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata

from customer_age.errors import SettingsError

from . import moved_artifacts

_NEWER = re.compile(r"database version (\d+) is greater than library version (\d+)")

_OUTPUTS = (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)


@dataclass(frozen=True)
class ArtifactRecord:
    """One output: its folder, and the properties that its component set."""

    uri: str
    properties: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeRecord:
    """The last execution of a node."""

    execution_id: int
    cached: bool
    complete: bool
    outputs: Mapping[str, ArtifactRecord]


def open_store(database: Path) -> MetadataStore:
    """Open the SQLite file of a work folder's metadata.

    Raises:
        SettingsError: a newer ML Metadata has written it, or it is not a metadata file.
    """
    try:
        return MetadataStore(metadata.sqlite_metadata_connection_config(str(database)))
    except (RuntimeError, errors.StatusError) as error:
        reason = " ".join(str(error).split())
        if newer := _NEWER.search(reason):
            reason = "a newer ML Metadata has written it (schema {}, this one reads {})".format(
                *newer.groups()
            )
        raise SettingsError(
            f"work_dir: {database} cannot be opened: {reason[:300]}. Install the release of "
            "customer-age that wrote it, or move this file away: every step then runs again"
        ) from error


class RunRecords:
    """Reads the metadata of one pipeline's runs."""

    def __init__(self, database: Path, pipeline_name: str):
        self._database = database
        self._pipeline_name = pipeline_name

    def node(self, node_id: str, since: int = 0) -> NodeRecord | None:
        """Return a node's newest execution with an id above `since`, or None."""
        store = self._store()
        executions = [each for each in self._executions(store, node_id) if each.id > since]
        if not executions:
            return None
        execution = max(executions, key=lambda each: each.id)
        return NodeRecord(
            execution_id=execution.id,
            cached=execution.last_known_state == mlmd.Execution.CACHED,
            complete=execution.last_known_state in (mlmd.Execution.CACHED, mlmd.Execution.COMPLETE),
            outputs=_outputs(store, execution.id),
        )

    def newest_execution(self) -> int:
        """Return the highest id of all executions, or 0 if there is none."""
        if not self._database.exists():
            return 0
        return max((execution.id for execution in self._store().get_executions()), default=0)

    def record_present_places(self, pipeline_root: Path) -> None:
        """Update the artifacts' paths after the work folder was moved or copied.

        The caller must hold the lock of the work folder.
        """
        if self._database.exists():
            moved_artifacts.record_present_places(self._store(), pipeline_root)

    def discard_unfinished(self, pipeline_root: Path) -> int:
        """Mark unfinished executions of killed runs as failed, and delete their files.

        TFX never reuses them; this keeps the metadata correct and frees disk space. The caller must
        hold the lock of the work folder.

        Returns:
            The number of discarded executions.
        """
        if not self._database.exists():
            return 0
        store = self._store()
        unfinished = [
            execution
            for execution in store.get_executions()
            if execution.last_known_state in (mlmd.Execution.NEW, mlmd.Execution.RUNNING)
        ]
        for execution in unfinished:
            for each in (f"*/*/{execution.id}", f"*/.system/*/{execution.id}"):
                for folder in pipeline_root.glob(each):
                    shutil.rmtree(folder)
            execution.last_known_state = mlmd.Execution.FAILED
        if unfinished:
            # They are named by run ids, which no later run uses.
            for folder in pipeline_root.glob("*/.system/stateful_working_dir/*"):
                shutil.rmtree(folder)
            store.put_executions(unfinished)
        return len(unfinished)

    def _store(self) -> MetadataStore:
        return open_store(self._database)

    def _executions(self, store: MetadataStore, node_id: str) -> list[mlmd.Execution]:
        try:
            context = store.get_context_by_type_and_name("node", f"{self._pipeline_name}.{node_id}")
        except errors.NotFoundError:
            return []
        return store.get_executions_by_context(context.id) if context else []


def _outputs(store: MetadataStore, execution_id: int) -> dict[str, ArtifactRecord]:
    keys = {
        event.artifact_id: event.path.steps[0].key
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type in _OUTPUTS and event.path.steps
    }
    return {
        keys[artifact.id]: ArtifactRecord(artifact.uri, _properties(artifact))
        for artifact in store.get_artifacts_by_id(list(keys))
    }


def _properties(artifact: mlmd.Artifact) -> dict[str, str | int | float]:
    return {
        name: getattr(value, value.WhichOneof("value"))
        for properties in (artifact.properties, artifact.custom_properties)
        for name, value in properties.items()
        if value.WhichOneof("value") in ("int_value", "double_value", "string_value")
    }
