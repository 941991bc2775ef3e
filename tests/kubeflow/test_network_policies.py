"""The network is open by default; a closed network allows what a run needs."""

import itertools
import re
import socket
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from rendered_manifests import (
    KUBERNETES,
    MANIFESTS,
    OWN,
    PROFILES,
    STANDALONE,
    needs_kubectl,
    of_kind,
    render,
    with_components,
)

pytestmark = needs_kubectl

VARIANTS = ("node_local_dns", "openshift_dns", "cilium")
NAMESPACE = "kubernetes.io/metadata.name"
PAGE = (Path(__file__).parents[2] / "docs" / "network_policies.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def closed(tmp_path_factory) -> dict[tuple[str, tuple[str, ...]], list[dict]]:
    """Each overlay, closed, with each choice of the variants."""
    choices = [
        (name, chosen)
        for name in OWN
        for count in range(len(VARIANTS) + 1)
        for chosen in itertools.combinations(VARIANTS, count)
        # The overlay for GKE already adds this one: kustomize refuses a duplicate.
        if not (name == "gke" and "node_local_dns" in chosen)
    ]
    copies = tmp_path_factory.mktemp("closed")
    return {
        (name, chosen): render(
            with_components(
                copies / "-".join((name, *chosen)),
                name,
                "network_policies",
                *(f"../../network_policies/{variant}" for variant in chosen),
            )
        )
        for name, chosen in choices
    }


def egress(objects: list[dict]) -> list[tuple[dict, set[tuple[str, int]]]]:
    """Of the policies for all pods: whereto, and by which protocol and port."""
    return [
        (peer, {(port["protocol"], port["port"]) for port in rule["ports"]})
        for policy in of_kind(objects, "NetworkPolicy").values()
        if policy["spec"]["podSelector"] == {}
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
    ]


def ports_of_namespace(objects: list[dict], namespace: str) -> set[tuple[str, int]]:
    return {
        port
        for peer, ports in egress(objects)
        if peer.get("namespaceSelector") == {"matchLabels": {NAMESPACE: namespace}}
        for port in ports
    }


def ports_of_address(objects: list[dict], cidr: str) -> set[tuple[str, int]]:
    return {
        port
        for peer, ports in egress(objects)
        if peer.get("ipBlock", {}).get("cidr") == cidr
        for port in ports
    }


@pytest.mark.parametrize("name", (*OWN, *PROFILES, *STANDALONE))
def test_an_overlay_without_the_component_has_no_policy(name):
    kinds = {each["kind"] for each in render(MANIFESTS / "overlays" / name)}
    # One that allows something is enough to close a pod to everything else.
    assert not {kind for kind in kinds if kind.endswith("NetworkPolicy")}


@pytest.mark.parametrize("name", ("on-prem-minio-profile", "on-prem-minio-standalone"))
def test_a_shared_namespace_stays_open_even_if_the_overlay_below_it_is_closed(name, tmp_path):
    folder = with_components(
        tmp_path / "manifests", "on-prem-minio", "network_policies",
        "../../network_policies/cilium",
    )  # fmt: skip
    assert of_kind(render(folder), "NetworkPolicy")
    objects = render(folder.parent / name)
    assert not {each["kind"] for each in objects} & {"NetworkPolicy", "CiliumNetworkPolicy"}


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_policy_matches_its_schema(closed, version):
    for objects in closed.values():
        policies = of_kind(objects, "NetworkPolicy")
        assert "deny-by-default" in policies
        for policy in policies.values():
            kubernetes_validate.validate(policy, version, strict=True)
            assert policy["metadata"]["namespace"] == "customer-age"


def test_everything_is_closed_except_what_is_named(closed):
    for (name, _), objects in closed.items():
        policies = of_kind(objects, "NetworkPolicy")
        assert policies["deny-by-default"]["spec"] == {
            "podSelector": {}, "policyTypes": ["Ingress", "Egress"],
        }  # fmt: skip
        for policy in policies.values():
            assert "ingress" not in policy["spec"], "nothing in this namespace answers anybody"
            for rule in policy["spec"].get("egress", []):
                assert rule["to"], policy
                assert rule["ports"], policy
        blocks = [peer["ipBlock"] for peer, _ in egress(objects) if "ipBlock" in peer]
        [anywhere] = [block for block in blocks if block["cidr"] == "0.0.0.0/0"]
        assert anywhere["except"] == ["169.254.169.254/32"]
        metadata = {block["cidr"] for block in blocks if block["cidr"].startswith("169.254.169.")}
        assert bool(metadata) == (name == "gke"), "the node's credentials"


def test_kubeflow_s_pods_are_found_by_the_ports_that_they_listen_on(closed):
    for objects in closed.values():
        assert ports_of_namespace(objects, "kubeflow") == {
            ("TCP", 8888), ("TCP", 8887),  # Kubeflow Pipelines
            ("TCP", 8080),  # ML Metadata, and the Model Registry
            ("TCP", 8333),  # SeaweedFS
            ("TCP", 9000),  # MinIO, before 2.15
        }  # fmt: skip


def test_names_are_found_in_each_kind_of_cluster(closed):
    both = {("UDP", 53), ("TCP", 53)}
    for (name, chosen), objects in closed.items():
        assert ports_of_namespace(objects, "kube-system") == both
        node_local = name == "gke" or "node_local_dns" in chosen
        assert ports_of_address(objects, "169.254.20.10/32") == (both if node_local else set())
        assert ports_of_namespace(objects, "openshift-dns") == (
            {("UDP", 5353), ("TCP", 5353)} if "openshift_dns" in chosen else set()
        )


def test_ciliums_policy_names_nodes_and_api_server_as_entities(closed):
    for (_, chosen), objects in closed.items():
        policies = of_kind(objects, "CiliumNetworkPolicy")
        assert set(policies) == ({"allow-api-server-and-nodes"} if "cilium" in chosen else set())
        for policy in policies.values():
            assert policy["apiVersion"] == "cilium.io/v2"
            assert policy["metadata"]["namespace"] == "customer-age"
            assert set(policy["spec"]) == {"endpointSelector", "egress"}
            assert policy["spec"]["endpointSelector"] == {}
            reached = set()
            for rule in policy["spec"]["egress"]:
                assert set(rule) == {"toEntities", "toPorts"}
                assert set(rule["toEntities"]) <= {"kube-apiserver", "host", "remote-node"}
                for ports in rule["toPorts"]:
                    for port in ports["ports"]:
                        assert isinstance(port["port"], str), "Cilium takes no number here"
                        reached |= {
                            (entity, port["protocol"], port["port"])
                            for entity in rule["toEntities"]
                        }
            for entity in ("kube-apiserver", "host", "remote-node"):
                assert {(entity, "TCP", "443"), (entity, "TCP", "6443")} <= reached
            assert {("host", "UDP", "53"), ("host", "TCP", "53")} <= reached


def test_only_retraining_reaches_the_ledger_and_it_is_the_pod_that_is_meant(closed):
    for objects in closed.values():
        policy = of_kind(objects, "NetworkPolicy")["allow-ledger"]
        [cron_job] = of_kind(objects, "CronJob").values()
        labels = cron_job["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        selected = policy["spec"]["podSelector"]["matchLabels"]
        assert selected
        assert selected.items() <= labels.items()
        [rule] = policy["spec"]["egress"]
        assert [port["port"] for port in rule["ports"]] == [5432]


def test_the_page_names_each_component_and_each_port():
    components = {each.name for each in (MANIFESTS / "network_policies").iterdir()}
    assert components == {"closed", *VARIANTS}
    assert set(re.findall(r"`\.\./\.\./network_policies/(\w+)`", PAGE)) == set(VARIANTS)
    file = MANIFESTS / "network_policies" / "closed" / "network_policies.yaml"
    [policy] = [
        each
        for each in yaml.safe_load_all(file.read_text())
        if each["metadata"]["name"] == "allow-kubeflow"
    ]
    for rule in policy["spec"]["egress"]:
        for port in rule["ports"]:
            assert re.search(rf"\b{port['port']}\b", PAGE), port


def test_the_pages_check_shows_which_servers_can_be_reached():
    [script] = re.findall(r"<<'END'\n(.+?)^END$", PAGE, re.DOTALL | re.MULTILINE)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        ports = [open_or_not.getsockname()[1] for open_or_not in (server, deaf)]
        servers = [("127.0.0.1", port) for port in ports]
        script = re.sub(r"SERVERS = \[.+?^\]", f"SERVERS = {servers}", script, flags=re.S | re.M)
        printed = subprocess.run(
            [sys.executable, "-"], input=script, capture_output=True, text=True, check=True
        )
    assert printed.stdout.splitlines() == [
        f"yes  127.0.0.1:{ports[0]}",
        f"no   127.0.0.1:{ports[1]}: [Errno 111] Connection refused",
    ]
