"""Argo's workflow controller as a process, as each age of Kubeflow Pipelines sets it up."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from api_server import ApiServer

READY_SECONDS = 300
LOG_SECRET = "mlpipeline-minio-artifact"
"""The Secret that Kubeflow's own settings name for the logs of each pod."""
OLD: dict[str, Any] = {}
"""`templateDefaults` of 2.15 to 2.16.1: not set."""
NEW = {"retryStrategy": {"limit": "2", "retryPolicy": "OnError"}}
"""From 2.17 on, as in Kubeflow's manifests/kustomize/third-party/argo."""
ALWAYS = {"retryStrategy": {"limit": "1", "retryPolicy": "Always"}}
"""What an administrator may make of it; with a limit of 1, which a test can wait for."""

_HEALTH = ("127.0.0.1", 6060)
_SECONDS = {
    "DEFAULT_REQUEUE_TIME": 1,
    # The controller waits for the outputs of a pod that is gone: ten and two minutes otherwise.
    "TASK_RESULT_TIMEOUT_DURATION": 2,
    "RECENTLY_DELETED_POD_DURATION": 2,
    "RECENTLY_STARTED_POD_DURATION": 2,
}


@dataclass(frozen=True)
class Controller:
    """A controller that works on one namespace.

    Attributes:
        server: Its API server.
        namespace: Where it looks for Workflows, and finds its own settings.
        log: File of its log.
    """

    server: ApiServer
    namespace: str
    log: Path

    def submit(self, workflow: dict[str, Any]) -> str:
        """Create a Workflow; returns its name."""
        made = self.server.request("POST", self._workflows, workflow)
        return str(made["metadata"]["name"])

    def workflow(self, name: str) -> dict[str, Any]:
        """Return a Workflow with its status."""
        return self.server.request("GET", f"{self._workflows}/{name}")

    @property
    def _workflows(self) -> str:
        return f"/apis/argoproj.io/v1alpha1/namespaces/{self.namespace}/workflows"


@contextmanager
def controller(
    programs: Path, server: ApiServer, namespace: str, template_defaults: dict[str, Any]
) -> Iterator[Controller]:
    """Run a controller for a namespace that exists; yields it when it works.

    It takes no port: its page of health, which would listen on every address, finds it taken.

    Args:
        programs: Folder of `workflow-controller` and `argo-crds`.
        server: Its API server.
        namespace: With an account `default` and `pipeline-runner`.
        template_defaults: `workflowDefaults.spec.templateDefaults` of its ConfigMap.
    """
    server.kubectl("apply", "--server-side", "-k", str(programs / "argo-crds"))
    server.kubectl("apply", "-f-", stdin=yaml.safe_dump(_settings(namespace, template_defaults)))
    log = server.folder / f"workflow-controller-{namespace}.log"
    words: list[str | Path] = [
        programs / "workflow-controller",
        f"--kubeconfig={server.kubeconfig}",
        f"--namespace={namespace}",
        "--namespaced",
        f"--managed-namespace={namespace}",
        "--executor-image=quay.io/argoproj/argoexec:v4.0.5",
        "--workflow-workers=4",
    ]
    seconds = {name: f"{number}s" for name, number in _SECONDS.items()}
    environment = os.environ | seconds | {"LEADER_ELECTION_DISABLE": "true"}
    with _health_port_taken(), log.open("wb") as written:
        process = subprocess.Popen(
            words, stdout=written, stderr=written, env=environment, start_new_session=True
        )
        try:
            _wait_until_ready(process, log)
            yield Controller(server, namespace, log)
        finally:
            process.kill()  # it was seen to ignore SIGTERM
            process.wait()


def _settings(namespace: str, template_defaults: dict[str, Any]) -> dict[str, Any]:
    """Kubeflow's own ConfigMap `workflow-controller-configmap`, as far as pods depend on it."""
    logs = {
        "archiveLogs": True,
        "s3": {
            "endpoint": f"minio-service.{namespace}:9000",
            "bucket": "mlpipeline",
            "insecure": True,
            "keyFormat": "artifacts/{{workflow.name}}/{{pod.name}}",
            "accessKeySecret": {"name": LOG_SECRET, "key": "accesskey"},
            "secretKeySecret": {"name": LOG_SECRET, "key": "secretkey"},
        },
    }
    data = {
        "artifactRepository": yaml.safe_dump(logs),
        "metricsConfig": yaml.safe_dump({"enabled": False}),
        "workflowDefaults": yaml.safe_dump({"spec": {"templateDefaults": template_defaults}}),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "workflow-controller-configmap", "namespace": namespace},
        "data": data,
    }


@contextmanager
def _health_port_taken() -> Iterator[None]:
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # taken by another: as good
            held.enter_context(socket.create_server(_HEALTH))
        yield


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + READY_SECONDS
    while "Starting CronWorkflow controller" not in log.read_text():
        said = log.read_text()[-2000:]
        assert process.poll() is None, f"workflow-controller ended: {said}"
        assert time.monotonic() < ends, f"workflow-controller is not ready: {said}"
        time.sleep(0.2)
