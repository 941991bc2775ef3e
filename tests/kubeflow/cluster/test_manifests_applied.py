"""The API server takes every overlay and every variant of it, as strictly as it can look.

KServe's InferenceService is left out: no registry serves the definition of that kind (its Go module
and its repository are not available), so the server does not know it. All else is tested.
"""

import subprocess
import time
from pathlib import Path

import pytest
import yaml
from api_client import ApiClient
from api_server import ApiServer
from manifest_pods import Object, changed
from rendered_manifests import (
    MANIFESTS,
    OWN,
    PROFILES,
    SERVED,
    STANDALONE,
    namespace_of,
    of_kind,
    render,
    with_components,
)

NETWORKS = ("node_local_dns", "openshift_dns", "cilium")
CLOSED = [
    *((overlay, ()) for overlay in OWN),
    *((overlay, NETWORKS) for overlay in (*OWN, *PROFILES, *STANDALONE)),
]
"""Overlays, and what their clusters need besides the overlay's own `network_policies`."""
UNKNOWN = "InferenceService"
"""A kind whose definition is in no registry."""


@pytest.fixture(scope="module")
def cluster(server: ApiServer, programs: Path) -> ApiServer:
    """The server with what a cluster has before our manifests: Kubeflow's namespaces, Cilium."""
    for name in (namespace_of(PROFILES[0]), namespace_of(STANDALONE[0])):
        ApiClient(server).create_namespace(name, {})
    server.kubectl("apply", "--server-side", "-f", str(programs / "cilium-crds"))
    ends = time.monotonic() + 120
    while ApiClient(server).ask("GET", "/apis/cilium.io/v2").status != 200:
        assert time.monotonic() < ends, "the server does not serve Cilium's kinds"
        time.sleep(0.1)
    return server


def closed(copy: Path, overlay: str, networks: tuple[str, ...]) -> list[Object]:
    """What an overlay is with its network closed."""
    base = overlay.removesuffix("-profile").removesuffix("-standalone")
    # The overlay for GKE already adds this one: kustomize refuses a duplicate.
    tested = [each for each in networks if (base, each) != ("gke", "node_local_dns")]
    components = [f"../../network_policies/{each}" for each in tested]
    with_components(copy, base, "network_policies", *components)
    return render(copy / "overlays" / overlay)


def apply(cluster: ApiServer, objects: list[Object], *options: str) -> subprocess.CompletedProcess:
    return cluster.kubectl(
        *("apply", "--server-side", "--validate=strict", "--filename=-", *options),
        stdin=yaml.safe_dump_all(objects),
        check=False,
    )


def check_taken(cluster: ApiServer, objects: list[Object], *options: str) -> None:
    """Each object is applied, without a warning."""
    applied = apply(cluster, objects, *options)
    assert (applied.returncode, applied.stderr) == (0, "")
    names = sorted(each["metadata"]["name"] for each in objects)
    assert sorted(line.split()[0].split("/")[1] for line in applied.stdout.splitlines()) == names


@pytest.mark.parametrize("overlay", [*OWN, *PROFILES, *STANDALONE])
def test_the_api_server_accepts_an_overlay(cluster, overlay):
    objects = render(MANIFESTS / "overlays" / overlay)
    check_taken(cluster, objects)
    check_taken(cluster, objects, "--dry-run=server")


@pytest.mark.parametrize(("overlay", "networks"), CLOSED, ids=str)
def test_so_it_is_with_what_closes_the_network(cluster, tmp_path, overlay, networks):
    objects = closed(tmp_path / "manifests", overlay, networks)
    assert bool(of_kind(objects, "NetworkPolicy")) == (overlay in OWN)
    cilium = of_kind(objects, "CiliumNetworkPolicy")
    assert bool(cilium) == (overlay in OWN and "cilium" in networks)
    check_taken(cluster, objects)


def test_the_root_with_minios_address_works_in_our_own_namespace(cluster, tmp_path):
    overlay = with_components(tmp_path / "manifests", "on-prem-minio", "root_with_address")
    check_taken(cluster, render(overlay))


@pytest.mark.parametrize("overlay", SERVED)
def test_the_api_server_accepts_the_serving_manifests_except_kserves_kind(cluster, overlay):
    check_taken(cluster, render(MANIFESTS / "overlays" / "on-prem-minio"))  # makes the namespace
    objects = render(MANIFESTS / "overlays" / overlay)
    known = [each for each in objects if each["kind"] != UNKNOWN]
    assert len(objects) - len(known) == (overlay == "gke/serving")
    check_taken(cluster, known)


@pytest.mark.parametrize(
    "served", ["kserve", "kserve_predictor", "predictor", "tensorflow_serving"]
)
def test_so_is_one_in_the_namespace_that_kubectl_is_in(cluster, served):
    objects = render(MANIFESTS / "serving" / served)
    check_taken(cluster, [each for each in objects if each["kind"] != UNKNOWN])


@pytest.mark.parametrize(
    ("kind", "path", "value", "complaint"),
    [
        ("CronJob", "spec/suspended", True, ".spec.suspended: field not declared in schema"),
        ("CronJob", "spec/schedule", "*/15 * * *", "spec.schedule: Invalid value"),
        ("CronJob", "spec/timeZone", "Etc/UCT+1", "spec.timeZone: Invalid value"),
        (
            "ResourceQuota",
            "spec/hard",
            {"requests.nvidia.com/gpu": "-1"},
            "greater than or equal to 0",
        ),
        ("Role", "rules/0/verbs", [], "rules[0].verbs: Required value"),
        ("RoleBinding", "roleRef/kind", "Rule", "roleRef.kind: Unsupported value"),
        ("NetworkPolicy", "spec/policyTypes/0", "Inward", "spec.policyTypes[0]: Unsupported value"),
        (
            "CiliumNetworkPolicy",
            "spec/egress/0/toEntities/0",
            "node",
            'spec.egress[0].toEntities[0]: Unsupported value: "node"',
        ),
    ],
)
def test_the_api_server_finds_mistakes(cluster, tmp_path, kind, path, value, complaint):
    first = next(iter(of_kind(closed(tmp_path / "manifests", "gke", NETWORKS), kind).values()))
    answer = apply(cluster, [changed(first, {path: value})], "--dry-run=server")
    assert answer.returncode == 1
    assert complaint in answer.stderr
