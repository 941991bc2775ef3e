"""Runs the tasks of a pipeline, one after another, whatever service does it.

The folder of a back end keeps the object store (`objects/<scheme>/<bucket>/<key>`), ML Metadata and
the file system of each pod that ran, so that a later run finds what an earlier one made.
"""

import abc
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from . import driver, launcher, record
from .cache import fingerprint
from .documents import Refused
from .importer import import_artifact
from .objects import Objects
from .pods import Cluster
from .run import Run, State
from .template import Task, Template


class Engine(abc.ABC):
    """Driver, launcher and workflow engine, over one folder.

    Args:
        folder: for all that is kept.
        cluster: secrets, config maps and environment that pods find there.
        before: called with a task's name and the number of its attempt (from 0) before each
            container starts; what it raises as `launcher.ContainerFailed` fails that attempt.
    """

    service: driver.Service

    def __init__(
        self,
        folder: Path,
        cluster: Cluster | None = None,
        before: Callable[[str, int], None] = lambda task, attempt: None,
    ):
        self.folder = folder
        self.objects = Objects(folder / "objects")
        self.cluster = cluster or Cluster()
        self.before = before

    @abc.abstractmethod
    def task_root(self, pipeline_root: str, run: Run, task: str) -> str:
        """The URI of a folder for a task's outputs."""

    @abc.abstractmethod
    def check_imported(self, artifact: mlmd.Artifact) -> None:
        """Refuse what cannot be imported."""

    @abc.abstractmethod
    def attempt(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, root: str
    ) -> dict[str, Value]:
        """Run the container once, and bring its outputs in; gives the output parameters."""

    def metadata(self, run: Run, task: str, name: str) -> dict[str, object]:
        """The properties of an output, as the next task sees them."""
        return json_format.MessageToDict(self.service.metadata(run.artifact(task, name)))

    def run_template(
        self, template: Template, values: dict[str, Value], root: str, caching: bool, run_id: str
    ) -> Run:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = record.Record(self.folder / "metadata.sqlite", template.name)
        run = Run(run_id, ignored=template.ignored)
        for task in template.in_order():
            if run.error:
                run.states[task.name] = State.OMITTED
                continue
            try:
                if task.executor.HasField("importer"):
                    self._import(task, values, kept, run)
                else:
                    self._run_task(task, template, values, root, caching, kept, run)
            except (Refused, launcher.ContainerFailed) as error:
                run.states[task.name] = State.FAILED
                run.error = str(error)
        return run

    def _import(
        self, task: Task, values: Mapping[str, Value], kept: record.Record, run: Run
    ) -> None:
        name, artifact = import_artifact(task, values, kept, self.service)
        self.check_imported(artifact)
        execution = kept.start(run.id, task.name, "")
        kept.publish(execution, record.COMPLETE, {name: artifact}, {})
        self._end(task, State.COMPLETE, execution, kept, run)

    def _run_task(
        self,
        task: Task,
        template: Template,
        values: Mapping[str, Value],
        root: str,
        caching: bool,
        kept: record.Record,
        run: Run,
    ) -> None:
        job = self._job(template, run, task)
        made = driver.resolve_inputs(task, values, run.outputs, self.service, job)
        task_root = self.task_root(root, run, task.name)
        driver.provision_outputs(task, made, task_root, self.service)
        key = fingerprint(task, made) if caching else ""
        execution = kept.start(run.id, task.name, key)
        run.inputs[task.name] = made
        known = kept.cached(key) if key else None
        if known is not None:
            artifacts, parameters = kept.outputs(known)
            missing = sorted(set(made.outputs.artifacts) - set(artifacts))
            if missing:
                raise Refused(f"unable to find artifact with name {missing[0]} in mlmd")
            kept.publish(execution, record.CACHED, artifacts, parameters)
            self._end(task, State.CACHED, execution, kept, run)
            return
        try:
            artifacts, parameters = self._with_retries(task, made, root, kept, run)
        except (Refused, launcher.ContainerFailed):
            kept.publish(execution, record.FAILED, {}, {})
            raise
        kept.publish(execution, record.COMPLETE, artifacts, parameters)
        self._end(task, State.COMPLETE, execution, kept, run)

    def _job(self, template: Template, run: Run, task: Task) -> dict[str, str]:
        """The names of resolveInputParameter in driver/resolve.go."""
        return {
            "{{$.pipeline_job_name}}": run.id,
            "{{$.pipeline_job_resource_name}}": f"{template.name}-{run.id[:5]}",
            "{{$.pipeline_job_uuid}}": run.id,
            "{{$.pipeline_task_name}}": task.name,
            "{{$.pipeline_task_uuid}}": "1",
        }

    def _with_retries(
        self, task: Task, made: specs.ExecutorInput, root: str, kept: record.Record, run: Run
    ) -> tuple[dict[str, mlmd.Artifact], dict[str, Value]]:
        """Argo's retryStrategy: the same container again, in a new pod; no waits here."""
        limit = task.spec.retry_policy.max_retry_count
        for attempt in range(limit + 1):
            run.attempts[task.name] = attempt + 1
            given = specs.ExecutorInput()
            given.CopyFrom(made)
            pod = self._pod(task, run, attempt)
            try:
                self.before(task.name, attempt)
                parameters = self.attempt(task, given, pod, root)
            except launcher.ContainerFailed:
                if attempt == limit:
                    raise
            else:
                run.inputs[task.name] = given
                return self._recorded(given, kept), parameters
            finally:
                shutil.rmtree(pod.root)
        raise AssertionError("unreachable")

    def _recorded(self, made: specs.ExecutorInput, kept: record.Record) -> dict[str, mlmd.Artifact]:
        found = {}
        for name, artifacts in made.outputs.artifacts.items():
            artifact = artifacts.artifacts[0]
            found[name] = kept.of_type(artifact.type)
            found[name].uri = artifact.uri
            for key, value in self.service.properties(name, artifact).items():
                found[name].custom_properties[key].CopyFrom(value)
            if artifact.name != name:
                found[name].name = artifact.name
        return found

    def _pod(self, task: Task, run: Run, attempt: int) -> launcher.Pod:
        """A pod with an empty file system, which is gone when the pod has ended."""
        place = self.folder / "pods" / run.id / f"{task.name}-{attempt}"
        (place / "root").mkdir(parents=True)
        run.logs[task.name] = place / "log"
        name = f"{task.name}-{run.id}-{attempt}"
        return launcher.Pod(
            root=place / "root",
            environment={
                **self.cluster.environment(task, name),
                launcher.ROOT_VARIABLE: str(place / "root"),
            },
            timeout=float(task.kubernetes.active_deadline_seconds) or None,
            log=run.logs[task.name],
        )

    def _end(
        self, task: Task, state: State, execution: mlmd.Execution, kept: record.Record, run: Run
    ) -> None:
        artifacts, parameters = kept.outputs(execution.id)
        definitions = task.component.output_definitions.artifacts
        types = {name: definition.artifact_type for name, definition in definitions.items()}
        run.outputs[task.name] = driver.Outputs(artifacts, parameters, types)
        run.states[task.name] = state
