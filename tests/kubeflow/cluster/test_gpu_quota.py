"""The namespace's quota: its GPUs are bounded, all else is not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from api_client import ApiClient
from api_server import ApiServer
from manifest_pods import STEPS, changed, step
from rendered_manifests import MANIFESTS, OWN, of_kind, render, settings_of

NAMESPACE = "customer-age"
GPU = "nvidia.com/gpu"
QUOTA = f"/api/v1/namespaces/{NAMESPACE}/resourcequotas/customer-age-gpus"


@pytest.fixture(scope="module", params=OWN)
def client(request: pytest.FixtureRequest, server: ApiServer) -> ApiClient:
    objects = render(MANIFESTS / "overlays" / request.param)
    server.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(objects))
    return ApiClient(server)


@pytest.fixture(autouse=True)
def used(client: ApiClient) -> Iterator[None]:
    """Nothing is used yet; Kubernetes's quota controller would report it, but does not run."""
    hard = client.ask("GET", QUOTA).body["spec"]["hard"]
    used = dict.fromkeys(hard, "0")
    assert client.patch_status(QUOTA, {"hard": hard, "used": used}).status == 200
    ends = time.monotonic() + 60
    while client.create_pod(NAMESPACE, trainer(int(hard[f"requests.{GPU}"]))).message:
        assert time.monotonic() < ends, "the server has not taken note of it"
        time.sleep(0.1)
    yield
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    for pod in client.ask("GET", pods).body["items"]:
        client.ask("DELETE", f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")


def trainer(gpus: int, name: str = "trainer") -> dict:
    limits = {"spec/containers/0/resources/limits": {GPU: str(gpus)}, "metadata/name": name}
    requests = {"spec/containers/0/resources/requests": {GPU: str(gpus)}}
    return changed(step("trainer", "customer-age-pipeline"), limits | requests)


@pytest.mark.parametrize("component", STEPS)
def test_a_pod_without_a_gpu_is_admitted_with_any_request(client, component):
    client.patch_status(QUOTA, {"used": {f"requests.{GPU}": "2"}})
    pod = step(component, "customer-age-pipeline")
    assert client.create_pod(NAMESPACE, pod).message == ""
    container = {"name": "main", "image": "kubeflow-s-own"}
    bare = changed(pod, {"spec/containers": [container], "spec/initContainers": []})
    assert client.create_pod(NAMESPACE, bare).message == "", "it requests no CPU and memory"


@pytest.mark.parametrize(("gpus", "admitted"), [(1, True), (2, True), (3, False)])
def test_a_pod_gets_as_many_gpus_as_the_quota_has(client, gpus, admitted):
    answer = client.create_pod(NAMESPACE, trainer(gpus))
    assert answer.message == (
        ""
        if admitted
        else 'pods "trainer" is forbidden: exceeded quota: customer-age-gpus, requested: '
        f"requests.{GPU}={gpus}, used: requests.{GPU}=0, limited: requests.{GPU}=2"
    )


def test_trainer_and_evaluator_fit_and_no_third(client):
    for name in ("trainer", "evaluator"):
        made = client.create_pod(NAMESPACE, trainer(1, name), dry_run=False)
        assert made.message == ""
    assert client.ask("GET", QUOTA).body["status"]["used"] == {f"requests.{GPU}": "2"}
    third = client.create_pod(NAMESPACE, trainer(1, "another"), dry_run=False)
    assert f"used: requests.{GPU}=2, limited: requests.{GPU}=2" in third.message


def test_the_settings_request_what_the_quota_admits(client, tmp_path: Path):
    for overlay in OWN:
        objects = render(MANIFESTS / "overlays" / overlay)
        gpu = settings_of(objects, tmp_path).trainer.gpu
        assert gpu.resource == GPU
        assert client.create_pod(NAMESPACE, trainer(gpu.count)).message == ""
        assert list(of_kind(objects, "ResourceQuota")) == ["customer-age-gpus"]
