"""A small kubelet: it runs the pods of a namespace as processes of this machine.

Like the real one, it binds a pod to its node, starts nothing while a Secret of the pod is missing,
starts init containers first, applies `activeDeadlineSeconds`, ends deleted pods with SIGTERM and,
after the grace period, with SIGKILL, and reports phase, reasons and codes. It has no images:
`Programs` maps a container's command to a command of this machine.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import urllib3
from api_server import ApiServer
from kubelet_configuration import Configuration
from kubelet_pod import PodRun, Programs
from kubernetes import client, watch

NODE = "node-1"


class MakesPrograms(Protocol):
    """Makes what the containers of one pod do."""

    def __call__(self, pod: client.V1Pod, root: Path) -> Programs: ...


class Kubelet:
    """The kubelet of one namespace.

    Args:
        server: Its API server.
        namespace: It runs all pods of it.
        folder: A new folder, with a folder for each pod, which represents `/`.
        programs: What containers do.
    """

    def __init__(self, server: ApiServer, namespace: str, folder: Path, programs: MakesPrograms):
        self._namespace = namespace
        self._folder = folder
        self._programs = programs
        self.api = _api_of(server)
        self._watch = watch.Watch()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self.runs: dict[str, PodRun] = {}
        """By the UIDs of the pods; a pod that is gone stays here."""

    def run_of(self, name: str) -> PodRun:
        """Return the newest run of a pod of a name; one that is gone leaves its name to others."""
        [*_, newest] = [run for run in list(self.runs.values()) if run.name == name]
        return newest

    @contextmanager
    def running(self) -> Iterator["Kubelet"]:
        """Run pods until the block ends; then all their processes end."""
        self._folder.mkdir(parents=True)
        self._start(self._follow)
        try:
            yield self
        finally:
            self._stopped.set()
            self._watch.stop()
            for run in list(self.runs.values()):
                run.vanish()
            for thread in list(self._threads):
                thread.join(10)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow(self) -> None:
        """Take each change of a pod, until it is stopped; the server ends a watch now and then."""
        while not self._stopped.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                events = self._watch.stream(
                    self.api.list_namespaced_pod, self._namespace, timeout_seconds=5
                )
                for event in events:
                    self._take(event["type"], event["object"])

    def _take(self, change: str, pod: client.V1Pod) -> None:
        run = self.runs.get(pod.metadata.uid)
        if change == "DELETED":
            if run is not None:
                run.vanish()
        elif pod.metadata.deletion_timestamp is not None:
            if run is not None:
                run.end(pod.metadata.deletion_grace_period_seconds)
        elif run is None and not self._stopped.is_set():
            root = self._folder / pod.metadata.uid
            root.mkdir()
            run = PodRun(
                self.api,
                pod,
                NODE,
                Configuration(self.api, pod, root),
                self._programs(pod, root),
            )
            self.runs[pod.metadata.uid] = run
            self._start(run.run)


def _api_of(server: ApiServer) -> client.CoreV1Api:
    """Return a client of an API server, for its administrator."""
    settings = client.Configuration(host=server.url)
    settings.ssl_ca_cert = str(server.certificate)
    settings.api_key = {"authorization": f"Bearer {server.token}"}
    return client.CoreV1Api(client.ApiClient(settings))
