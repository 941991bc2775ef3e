"""Workflows of one step that run side by side, and the outcome of each."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_server import ApiServer
from argo_controller import LOG_SECRET, Controller, controller
from argo_programs import StepPrograms
from argo_workflow import Step
from backend_stand_in.objects import Objects
from kubelet import Kubelet
from kubernetes import client

LIMIT_SECONDS = 600
IMPLEMENTATION = "retry-system-container-impl"
SECRETS = {
    "object-store": {"accesskey": "a-user-of-the-store", "secretkey": "the-password-of-the-store"},
    "person-key": {"key": "the-key-of-persons"},
    LOG_SECRET: {"accesskey": "a-user-of-minio", "secretkey": "the-password-of-minio"},
}


@dataclass
class Run:
    """One Workflow.

    Attributes:
        step: Its step.
        folder: `faults` in it has the tries, `objects` the object store.
        parameters: Of the step's input; they replace the recorded ones.
        disturb: Called with the name of a pod of the step, once the controller knows that it runs.
        disturbed: For how many of its pods `disturb` is called.
        workflow: Its last known state.
        seconds: From its start to its end.
    """

    step: Step
    folder: Path
    parameters: Mapping[str, object]
    disturb: Callable[["Cluster", str], None] | None = None
    disturbed: int = 1
    workflow: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> "Run":
        """Wait until it has ended."""
        assert self.ended.wait(LIMIT_SECONDS), f"still {self.phase}: {self.nodes}"
        return self

    @property
    def phase(self) -> str:
        """The Workflow's phase in Argo."""
        return str(self.workflow.get("status", {}).get("phase", ""))

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Of the step's pods, in the order of their start."""
        nodes = self.workflow.get("status", {}).get("nodes", {}).values()
        of_step = [
            node
            for node in nodes
            if node["type"] == "Pod" and node["templateName"] == IMPLEMENTATION
        ]
        return sorted(of_step, key=lambda node: (node["startedAt"], node["name"]))

    @property
    def pods(self) -> list[tuple[str, str]]:
        """Phase and message of each pod of the step."""
        return [(node["phase"], node.get("message", "")) for node in self.nodes]

    @property
    def why(self) -> str:
        """The controller's message about the step after the last try."""
        nodes = self.workflow["status"]["nodes"].values()
        [retry] = [each for each in nodes if each["displayName"] == "executor"]
        return str(retry.get("message", ""))

    @property
    def tries(self) -> list[int]:
        """How many tries of our entry point each pod has seen, in the order of the pods."""
        file = self.folder / "faults/tries"
        lines = file.read_text().splitlines() if file.exists() else []
        pods = [json.loads(line)["uid"] for line in lines]
        return [pods.count(pod) for pod in dict.fromkeys(pods)]


@dataclass
class Cluster:
    """A namespace with a controller and a kubelet."""

    server: ApiServer
    controller: Controller
    folder: Path
    runs: dict[str, Run] = field(default_factory=dict)
    kubelet: Kubelet = field(init=False)
    threads: list[threading.Thread] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        pods = self.folder / "pods"
        self.kubelet = Kubelet(self.server, self.controller.namespace, pods, self._programs)

    def start(
        self,
        name: str,
        acts: str | None = None,
        step: Step | None = None,
        **options: Any,
    ) -> Run:
        """Start the Workflow of a step.

        Args:
            name: Of the Workflow.
            acts: Of `argo_faults`, one for each try, comma-separated; None for no faults.
            step: That runs; by default the Trainer.
            options: Of `Run`.
        """
        run = Run(step or Step(), self.folder / name, options.pop("parameters", {}), **options)
        faults = run.folder / "faults"
        faults.mkdir(parents=True, exist_ok=True)
        if acts is not None:
            (faults / "acts").write_text(acts)
        self.runs[name] = run
        self.controller.submit(run.step.workflow(name))
        thread = threading.Thread(target=self._follow, args=(name, run), daemon=True)
        self.threads.append(thread)
        thread.start()
        return run

    def stop(self) -> None:
        """Follow no run any more."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def lose(self, pod: str) -> None:
        """Lose a pod with its node: nobody reports its end, and its object is removed."""
        self.kubelet.run_of(pod).vanish()
        self._kubectl("delete", "pod", pod, "--force", "--grace-period=0")

    def drain(self, pod: str) -> None:
        """Delete a pod whose node lives, as `kubectl drain` does."""
        self._kubectl("delete", "pod", pod, "--wait=false")

    def kill_for_memory(self, pod: str) -> None:
        """End all processes of a pod's container at once."""
        self.kubelet.run_of(pod).kill_for_memory()

    def kubectl_create_secret(self, name: str) -> None:
        """Create one of `SECRETS`."""
        literals = [f"--from-literal={key}={value}" for key, value in SECRETS[name].items()]
        self._kubectl("create", "secret", "generic", name, *literals)

    def _kubectl(self, *arguments: str) -> None:
        self.server.kubectl("-n", self.controller.namespace, *arguments)

    def _programs(self, pod: client.V1Pod, root: Path) -> StepPrograms:
        run = self.runs[pod.metadata.labels["workflows.argoproj.io/workflow"]]
        api = client.CustomObjectsApi(self.kubelet.api.api_client)
        objects = Objects(run.folder / "objects")
        return StepPrograms(
            api, pod, root, run.step, objects, run.folder / "faults", run.parameters
        )

    def _follow(self, name: str, run: Run) -> None:
        begun, disturbed = time.monotonic(), 0
        while time.monotonic() - begun < LIMIT_SECONDS and not self.stopped.is_set():
            run.workflow = self.controller.workflow(name)
            if run.phase in ("Succeeded", "Failed", "Error"):
                run.seconds = time.monotonic() - begun
                run.ended.set()
                return
            for node in run.nodes if run.disturb else ():
                pod = f"{name}-{IMPLEMENTATION}-{node['id'].rpartition('-')[2]}"
                running = node["phase"] == "Running" and len(run.tries) > disturbed
                if running and disturbed < run.disturbed:
                    disturbed += 1
                    run.disturb(self, pod)
            self.stopped.wait(0.8)


@contextmanager
def cluster(
    programs: Path,
    server: ApiServer,
    namespace: str,
    folder: Path,
    template_defaults: dict[str, Any],
    secrets: tuple[str, ...] = tuple(SECRETS),
) -> Iterator[Cluster]:
    """Make a namespace with what a run needs, and run a controller and a kubelet for it.

    Args:
        programs: Folder of `workflow-controller` and `argo-crds`.
        server: Its API server.
        namespace: A new one.
        folder: A new folder.
        template_defaults: Of the controller's settings.
        secrets: Those of `SECRETS` that it has.
    """
    server.kubectl("create", "namespace", namespace)
    for account in ("default", "pipeline-runner"):
        server.kubectl("-n", namespace, "create", "serviceaccount", account)
    with controller(programs, server, namespace, template_defaults) as started:
        made = Cluster(server, started, folder)
        for secret in secrets:
            made.kubectl_create_secret(secret)
        with made.kubelet.running():
            yield made
            made.stop()
