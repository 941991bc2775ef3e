"""Secrets in the pods that Argo's real controller makes, and nowhere else."""

import json
import time
from collections.abc import Iterator

import pytest
import yaml
from argo_controller import LOG_SECRET, NEW
from argo_runs import SECRETS, Cluster, cluster
from rendered_manifests import MANIFESTS, of_kind, render


@pytest.fixture(scope="module")
def plain(programs, server, tmp_path_factory) -> Iterator[Cluster]:
    """A namespace as Kubeflow's own: its Secret is there, our ConfigMap is not."""
    folder = tmp_path_factory.mktemp("plain")
    with cluster(programs, server, "secrets-plain", folder, NEW) as made:
        yield made


@pytest.fixture(scope="module")
def ours(programs, server, tmp_path_factory) -> Iterator[Cluster]:
    """An own namespace with the overlay's ConfigMap, but without a Secret."""
    folder = tmp_path_factory.mktemp("ours")
    with cluster(programs, server, "secrets-ours", folder, NEW, secrets=()) as made:
        rendered = render(MANIFESTS / "overlays/on-prem-minio")
        repositories = of_kind(rendered, "ConfigMap")["artifact-repositories"]
        repositories["metadata"]["namespace"] = "secrets-ours"
        server.kubectl("apply", "-f-", stdin=yaml.safe_dump(repositories))
        yield made


def pods_of(started: Cluster) -> list[dict]:
    """All pods of its namespace."""
    namespace = started.controller.namespace
    return started.server.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]


def until(condition) -> None:
    ends = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.3)


def state_of_step(started: Cluster) -> dict:
    """Where the main container of the step's pod stands; empty where there is none."""
    for pod in pods_of(started):
        for status in pod["status"].get("containerStatuses", []):
            if "impl" in pod["metadata"]["name"] and status["name"] == "main":
                return status["state"]
    return {}


def test_every_pod_mounts_the_secret_of_the_logs(plain):
    run = plain.start("plain", "end").wait()
    assert run.phase == "Succeeded"
    pods = pods_of(plain)
    assert len(pods) == 3
    assert all(f'"secretName": "{LOG_SECRET}"' in json.dumps(pod["spec"]) for pod in pods)


def test_secrets_reach_the_process_and_no_object(plain):
    run = plain.start("reached", "end").wait()
    environment = json.loads((run.folder / "faults/environment").read_text())
    store = SECRETS["object-store"]
    assert environment["AWS_ACCESS_KEY_ID"] == store["accesskey"]
    assert environment["AWS_SECRET_ACCESS_KEY"] == store["secretkey"]
    key = next(plain.folder.glob("pods/*/secrets/person-key/key"))
    assert key.read_text() == SECRETS["person-key"]["key"]
    seen = json.dumps([run.workflow, pods_of(plain)]) + plain.controller.log.read_text()
    for secret in SECRETS.values():
        assert not [value for value in secret.values() if value in seen]


def test_with_our_config_map_no_pod_mounts_the_secret_of_the_logs(ours):
    """And the step's pod starts once the Secrets that are named are there, not before."""
    run = ours.start("ours", "end")
    until(lambda: state_of_step(ours))
    time.sleep(2)
    assert "waiting" in state_of_step(ours)
    ours.kubectl_create_secret("person-key")
    reason = {"reason": "CreateContainerConfigError", "message": 'secret "object-store" not found'}
    until(lambda: state_of_step(ours) == {"waiting": reason})
    assert not run.tries
    ours.kubectl_create_secret("object-store")
    assert run.wait().phase == "Succeeded"
    assert LOG_SECRET not in json.dumps([pod["spec"]["volumes"] for pod in pods_of(ours)])
