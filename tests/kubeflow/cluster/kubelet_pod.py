"""One pod, from its binding to its end."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from kubelet_configuration import Configuration, NotConfigured
from kubernetes import client
from kubernetes.client.exceptions import ApiException

DEADLINE = "Pod was active on the node longer than the specified deadline"
_POLL_SECONDS = 0.05
_RETRY_SECONDS = 0.3
_CLEANUP_SECONDS = 10.0
"""From the report of a deleted pod's end until it is gone: volumes and cgroups are cleaned up."""


class Programs(Protocol):
    """What the containers of one pod do."""

    def start(
        self, container: client.V1Container, environment: dict[str, str]
    ) -> subprocess.Popen[bytes] | None:
        """Start a container's command; None if it has already succeeded."""

    def exit_code(self, ended_with: int) -> int:
        """Return a container's exit code; below 0 its process was ended by that signal."""

    def wait_started(self) -> None:
        """Do what Argo's `wait` container does before the main one starts."""

    def wait_ended(self) -> None:
        """Do what Argo's `wait` container does when the main one has ended."""


class PodRun:
    """Runs one pod.

    Args:
        api: Of the server.
        pod: Which.
        node: Name of the node it is bound to.
        configuration: Of the pod.
        programs: Of its containers.
    """

    def __init__(
        self,
        api: client.CoreV1Api,
        pod: client.V1Pod,
        node: str,
        configuration: Configuration,
        programs: Programs,
    ):
        self._api, self._pod, self._node = api, pod, node
        self._configuration, self._programs = configuration, programs
        self._process: subprocess.Popen[bytes] | None = None
        self._gone = threading.Event()
        self._kill_at: float | None = None
        self._started_at = datetime.now(UTC)
        self._started = time.monotonic()
        self._states: dict[str, dict[str, Any]] = {}
        self.seconds = 0.0
        """From the start to the end of its main container."""

    @property
    def name(self) -> str:
        """Of the pod."""
        return str(self._pod.metadata.name)

    def vanish(self) -> None:
        """End its processes at once, as with its node; nothing is reported any more."""
        self._gone.set()
        self._signal(signal.SIGKILL)

    def end(self, grace_seconds: float) -> None:
        """End it as what is deleted ends."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace_seconds
            self._signal(signal.SIGTERM)

    def kill_for_memory(self) -> None:
        """End all processes of its main container, as cgroup v2 does where memory is wanting."""
        self._signal(signal.SIGKILL)

    def run(self) -> None:
        """Run it to its end, or until it is gone."""
        try:
            self._bind()
            if self._configured(self._configuration.mount, "PodInitializing"):
                self._run_containers()
        except ApiException as error:
            if error.status != 404:  # a pod that is gone has nobody to report to
                raise
        finally:
            self.vanish()

    def _run_containers(self) -> None:
        for container in self._pod.spec.init_containers or []:
            self._programs.start(container, {})
        main = self._main()
        self._programs.wait_started()
        if not self._configured(
            lambda: self._configuration.environment(main), "CreateContainerConfigError"
        ):
            return
        begun = time.monotonic()
        self._process = self._programs.start(main, self._configuration.environment(main))
        self._set_state("running", startedAt=_now())
        self._report("Running")
        why = self._wait()
        self.seconds = time.monotonic() - begun
        if self._gone.is_set():
            return
        self._programs.wait_ended()
        self._report_end(why)

    def _main(self) -> client.V1Container:
        [main] = [each for each in self._pod.spec.containers if each.name == "main"]
        return main

    def _configured(self, work: Callable[[], object], reason: str) -> bool:
        """Repeat a start until its Secret exists; return False if the pod ended first."""
        while not self._gone.is_set() and self._kill_at is None:
            try:
                work()
                return True
            except NotConfigured as error:
                # The status contains no reason for a volume; an event does.
                message = {"message": str(error)} if reason.endswith("Error") else {}
                self._set_state("waiting", reason=reason, **message)
                self._report("Pending")
            if self._overdue():
                self._report("Failed", reason="DeadlineExceeded", message=DEADLINE)
                return False
            time.sleep(_RETRY_SECONDS)
        if not self._gone.is_set():
            self._delete()
        return False

    def _wait(self) -> dict[str, str]:
        """Wait for the main process; gives reason and message where the kubelet ended it."""
        why: dict[str, str] = {}
        while self._process is not None and self._process.poll() is None:
            if self._overdue() and self._kill_at is None:
                why = {"reason": "DeadlineExceeded", "message": DEADLINE}
                self.end(self._pod.spec.termination_grace_period_seconds or 30)
            if self._kill_at is not None and time.monotonic() > self._kill_at:
                self._signal(signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        return why

    def _report_end(self, why: dict[str, str]) -> None:
        ended_with = self._process.returncode if self._process is not None else 0
        code, killed = self._programs.exit_code(ended_with), ended_with == -signal.SIGKILL
        self._set_state(
            "terminated",
            exitCode=code,
            reason="OOMKilled" if killed and not why else "Error" if code else "Completed",
            startedAt=_now(),
            finishedAt=_now(),
        )
        self._report("Failed" if code or why else "Succeeded", **why)
        if self._kill_at is not None and not why:
            self._gone.wait(_CLEANUP_SECONDS)
            self._delete()

    def _overdue(self) -> bool:
        # The controller may have given it a nearer end than the one it was made with.
        seconds = self._pod.spec.active_deadline_seconds
        return seconds is not None and time.monotonic() - self._started > seconds

    def _bind(self) -> None:
        name, namespace = self._pod.metadata.name, self._pod.metadata.namespace
        target = client.V1ObjectReference(kind="Node", name=self._node)
        body = client.V1Binding(metadata=client.V1ObjectMeta(name=name), target=target)
        # The client cannot read the answer, which is a Status.
        self._api.create_namespaced_pod_binding(name, namespace, body, _preload_content=False)

    def _set_state(self, state: str, **facts: object) -> None:
        self._states["main"] = {state: facts}

    def _report(self, phase: str, **facts: str) -> None:
        statuses = [
            {
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": phase == "Running",
                "restartCount": 0,
                "state": self._states.get(container.name, _state_beside(phase)),
            }
            for container in self._pod.spec.containers
        ]
        status = {
            "phase": phase,
            "startTime": self._started_at.isoformat().replace("+00:00", "Z"),
            "containerStatuses": statuses,
            **facts,
        }
        self._api.patch_namespaced_pod_status(
            self._pod.metadata.name, self._pod.metadata.namespace, {"status": status}
        )

    def _delete(self) -> None:
        self._api.delete_namespaced_pod(
            self._pod.metadata.name, self._pod.metadata.namespace, grace_period_seconds=0
        )

    def _signal(self, number: int) -> None:
        """Send a signal to its main process, or SIGKILL to all that it has started."""
        if self._process is None:
            return
        processes = [self._process.pid]
        if number == signal.SIGKILL:
            processes = _processes_of(self._pod.metadata.uid)
        elif self._process.poll() is not None:
            return
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)


def _processes_of(uid: str) -> list[int]:
    """The processes of a pod, by their environment; each has a session of its own."""
    found = []
    for folder in Path("/proc").iterdir():
        # It may have ended by now, or be another user's.
        with contextlib.suppress(OSError):
            if f"KFP_POD_UID={uid}\0".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def _state_beside(phase: str) -> dict[str, Any]:
    """The state of `wait`, which runs next to the main container."""
    if phase in ("Failed", "Succeeded"):
        return {"terminated": {"exitCode": 0, "reason": "Completed"}}
    return {"running": {"startedAt": _now()}} if phase == "Running" else {"waiting": {}}


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
