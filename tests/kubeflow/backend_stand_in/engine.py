"""Runs the tasks of a pipeline, one after another, for either service.

The folder of a back end keeps the object store (`objects/<scheme>/<bucket>/<key>`), ML Metadata and
the file system of each pod, so that a later run finds the results of an earlier one.
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
from .retries import Clock, Strategy
from .run import Run, State
from .template import Task, Template

_ENDS = (Refused, launcher.ContainerFailed, launcher.PodLost)


class Engine(abc.ABC):
    """Driver, launcher and workflow engine, over one folder.

    Args:
        folder: for everything that is kept.
        cluster: secrets, config maps and environment of pods.
        before: called with a task's name and the number of its pod (from 0) before each container
            starts; if it raises `launcher.ContainerFailed` or `launcher.PodLost`, the pod ends.
        lasts: called with the same arguments; returns the seconds that the pod would run for.
    """

    service: driver.Service
    importer_strategy = Strategy()

    def __init__(
        self,
        folder: Path,
        cluster: Cluster | None = None,
        before: Callable[[str, int], None] = lambda task, pod: None,
        lasts: Callable[[str, int], float] = lambda task, pod: 1.0,
    ):
        self.folder = folder
        self.objects = Objects(folder / "objects")
        self.cluster = cluster or Cluster()
        self.before = before
        self.lasts = lasts
        self.clock = Clock()

    @abc.abstractmethod
    def task_root(self, run: Run, task: str) -> str:
        """The URI of a folder for a task's outputs."""

    @abc.abstractmethod
    def check_imported(self, artifact: mlmd.Artifact) -> None:
        """Refuse what cannot be imported."""

    @abc.abstractmethod
    def strategy(self, task: Task) -> Strategy:
        """Which ends of a task's pod are tried again."""

    @abc.abstractmethod
    def attempt(
        self, task: Task, made: specs.ExecutorInput, pod: launcher.Pod, run: Run
    ) -> dict[str, Value]:
        """Run the container once and store its outputs; return the output parameters."""

    def metadata(self, run: Run, task: str, name: str) -> dict[str, object]:
        """The properties of an output, as the next task sees them."""
        return json_format.MessageToDict(self.service.metadata(run.artifact(task, name)))

    def run_template(
        self, template: Template, values: dict[str, Value], run: Run, caching: bool
    ) -> Run:
        """Run the tasks that no failure keeps from it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = record.Record(self.folder / "metadata.sqlite", template.name)
        for task in template.in_order():
            if run.error:
                run.states[task.name] = State.OMITTED
                continue
            try:
                if task.executor.HasField("importer"):
                    self._import(task, values, kept, run)
                else:
                    self._run_task(task, template, values, caching, kept, run)
            except _ENDS as error:
                run.states[task.name] = State.FAILED
                run.error = str(error)
                run.not_retried[task.name] = "; ".join(getattr(error, "__notes__", ()))
        return run

    def _import(
        self, task: Task, values: Mapping[str, Value], kept: record.Record, run: Run
    ) -> None:
        def attempt(number: int, end: float | None) -> tuple[mlmd.Execution, str, mlmd.Artifact]:
            execution = kept.start(run.id, task.name, "")
            self._start(task, run, end)
            name, artifact = import_artifact(task, values, kept, self.service)
            self.check_imported(artifact)
            return execution, name, artifact

        execution, name, artifact = self.importer_strategy.run(attempt, self.clock)
        kept.publish(execution, record.COMPLETE, {name: artifact}, {})
        self._end(task, State.COMPLETE, execution, kept, run)

    def _run_task(
        self,
        task: Task,
        template: Template,
        values: Mapping[str, Value],
        caching: bool,
        kept: record.Record,
        run: Run,
    ) -> None:
        twice = kept.twice(run.id)
        if twice and task.after:
            raise Refused(f"two tasks have the same task name: {twice}")
        job = self._job(template, run, task)
        made = driver.resolve_inputs(task, values, run.outputs, self.service, job)
        driver.provision_outputs(task, made, self.task_root(run, task.name), self.service)
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
            parameters = self._with_retries(task, made, run)
        except _ENDS:
            left = self._left_by_failed(run.inputs[task.name])
            kept.publish(execution, record.FAILED, self._recorded(left, kept, run), {})
            raise
        artifacts = self._recorded(run.inputs[task.name], kept, run)
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

    def _with_retries(self, task: Task, made: specs.ExecutorInput, run: Run) -> dict[str, Value]:
        """Argo's retryStrategy: the same container again, in a new pod."""

        def attempt(number: int, end: float | None) -> dict[str, Value]:
            given = specs.ExecutorInput()
            given.CopyFrom(made)
            run.inputs[task.name] = given
            pod = self._pod(task, run, number)
            try:
                self._start(task, run, end)
                return self.attempt(task, given, pod, run)
            finally:
                shutil.rmtree(pod.root)

        return self.strategy(task).run(attempt, self.clock)

    def _start(self, task: Task, run: Run, end: float | None) -> None:
        """Let a pod run for as long as it lasts, or until it is killed."""
        number = run.attempts.get(task.name, 0)
        run.attempts[task.name] = number + 1
        lasts = self.lasts(task.name, number)
        if end is not None and self.clock.now + lasts > end:
            self.clock.wait(end - self.clock.now)
            raise launcher.ContainerFailed(launcher.DEADLINE)
        self.clock.wait(lasts)
        self.before(task.name, number)

    def _left_by_failed(self, made: specs.ExecutorInput) -> specs.ExecutorInput:
        """The launcher keeps the log of a command that failed."""
        left = specs.ExecutorInput()
        if launcher.LOGS in made.outputs.artifacts:
            logs = made.outputs.artifacts[launcher.LOGS]
            if self.objects.path(logs.artifacts[0].uri).exists():
                left.outputs.artifacts[launcher.LOGS].CopyFrom(logs)
        return left

    def _recorded(
        self, made: specs.ExecutorInput, kept: record.Record, run: Run
    ) -> dict[str, mlmd.Artifact]:
        found = {}
        for name, artifacts in made.outputs.artifacts.items():
            for artifact in artifacts.artifacts:
                found[name] = kept.of_type(artifact.type)
                found[name].uri = artifact.uri
                for key, value in self.service.properties(name, artifact, run.session).items():
                    found[name].custom_properties[key].CopyFrom(value)
                if artifact.name != name:
                    found[name].name = artifact.name
        return found

    def _pod(self, task: Task, run: Run, retry: int) -> launcher.Pod:
        """A pod with an empty file system, which is gone when the pod has ended."""
        name = f"{task.name}-{run.attempts.get(task.name, 0)}"
        place = self.folder / "pods" / run.id / name
        environment = self.cluster.environment(task, f"{name}-{run.id}")
        (place / "root").mkdir(parents=True)
        run.logs[task.name] = place / "log"
        return launcher.Pod(
            root=place / "root",
            environment={**environment, launcher.ROOT_VARIABLE: str(place / "root")},
            timeout=float(task.kubernetes.active_deadline_seconds) or None,
            log=run.logs[task.name],
            retry=retry,
            python=self.cluster.python,
        )

    def _end(
        self, task: Task, state: State, execution: mlmd.Execution, kept: record.Record, run: Run
    ) -> None:
        artifacts, parameters = kept.outputs(execution.id)
        definitions = task.component.output_definitions.artifacts
        types = {name: definition.artifact_type for name, definition in definitions.items()}
        types = {**types, **self.service.outputs_of_its_own()}
        run.outputs[task.name] = driver.Outputs(artifacts, parameters, types)
        run.states[task.name] = state
