"""Every line with kubectl that our pages show, run as written against a new server."""

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import page_commands
import pytest
import yaml
from api_client import ApiClient
from api_server import ApiServer, api_server
from manifest_pods import changed, step
from rendered_manifests import render, with_components

from customer_age.labels import pseudonyms

README, SERVING = "kubeflow/README.md", "kubeflow/manifests/serving/README.md"
NETWORK = "docs/network_policies.md"
LEFT_OUT = {
    # A kubelet forwards ports, and none runs here.
    "kubectl -n kubeflow port-forward service/ml-pipeline 8888 &",
    "kubectl port-forward service/customer-age 8501",
}
APPLY = page_commands.command(README, "kubectl apply -k")
OBJECT_STORE = page_commands.command(README, "generic customer-age-object-store")
PERSON_KEY = page_commands.command(README, "generic customer-age-person-key")
TOKEN = page_commands.command(README, "create token")
DESCRIBE_POD = page_commands.command(README, "describe pod")
SERVE = page_commands.command(SERVING, "kubectl apply -k")
PREDICTORS = {
    overlay: page_commands.command("docs/serving.md", f"kubectl apply -k {overlay}")
    for overlay in (
        "kubeflow/manifests/overlays/on-prem-minio/predictor",
        "kubeflow/manifests/overlays/gke/predictor",
    )
}
ENDPOINTS = page_commands.command(NETWORK, "-n kubeflow get endpointslices")
API_SERVER = page_commands.command(NETWORK, "-n default get endpointslices")
POLICIES = page_commands.command(NETWORK, "-n customer-age get networkpolicies")
DESCRIBE_POLICY = page_commands.command(NETWORK, "describe networkpolicy")
CHECK = page_commands.command(NETWORK, "run check")
LABEL = page_commands.command(NETWORK, "label namespace")
NODE_LOCAL_DNS = page_commands.command(NETWORK, "daemonset")
OPENSHIFT = page_commands.command(NETWORK, "openshift-dns")
CILIUM = page_commands.command(NETWORK, "get crd")
KUBEFLOW_S_POLICIES = page_commands.command(NETWORK, "-n kubeflow get networkpolicies")

Run = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def new_server(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A cluster with Kubeflow's namespace and nothing of ours."""
    with api_server(programs, tmp_path_factory.mktemp("pages") / "server") as started:
        ApiClient(started).create_namespace("kubeflow", {})
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout, and the two files that the page requires."""
    made = tmp_path_factory.mktemp("checkout")
    (made / "kubeflow").symlink_to(page_commands.ROOT / "kubeflow")
    (made / "accesskey").write_text("a user of MinIO")
    (made / "secretkey").write_text("and its password")
    return made


@pytest.fixture(scope="module")
def run(new_server: ApiServer, folder: Path) -> Run:
    def run(line: str, variables: dict | None = None) -> subprocess.CompletedProcess[str]:
        given = page_commands.exported(README) if variables is None else variables
        done = page_commands.run(line, new_server, folder, given)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done

    return run


@pytest.fixture(scope="module")
def applied(run: Run, new_server: ApiServer) -> ApiClient:
    """The overlay is applied with the page's first kubectl command."""
    run(APPLY)
    client = ApiClient(new_server)
    client.create_namespace("customer-age", {}, "default")  # a controller makes the account
    return client


def test_no_page_shows_another_line():
    shown = {line for page in page_commands.PAGES for line in page_commands.commands(page)}
    tested = {APPLY, OBJECT_STORE, PERSON_KEY, TOKEN, DESCRIBE_POD, SERVE, ENDPOINTS, API_SERVER}
    tested |= {POLICIES, DESCRIBE_POLICY, CHECK, LABEL, NODE_LOCAL_DNS, OPENSHIFT, CILIUM}
    assert shown == tested | {KUBEFLOW_S_POLICIES, *PREDICTORS.values()} | LEFT_OUT


def test_the_first_run_s_namespace_secrets_and_token(run, applied, folder):
    for line in (OBJECT_STORE, PERSON_KEY, TOKEN):
        run(line)
    secrets = "/api/v1/namespaces/customer-age/secrets"
    store, key = (
        {
            name: base64.b64decode(value)
            for name, value in applied.ask("GET", f"{secrets}/{secret}").body["data"].items()
        }
        for secret in ("customer-age-object-store", "customer-age-person-key")
    )
    assert store == {"accesskey": b"a user of MinIO", "secretkey": b"and its password"}
    assert list(key) == ["key"]
    assert len(bytes.fromhex(key["key"].decode())) == 32
    (folder / "key").write_bytes(key["key"])
    assert pseudonyms.read(str(folder / "key"))

    token = (folder / "token").read_text().strip()
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == "system:serviceaccount:customer-age:customer-age-retraining"
    assert claims["aud"] == ["pipelines.kubeflow.org"]
    assert claims["exp"] - claims["iat"] == 3600


def test_a_pending_pod_s_description_names_label_and_taint(run, applied):
    """The words are the scheduler's, which does not run here; what they are about is the pod's."""
    trainer = changed(
        step("trainer", "customer-age-pipeline"),
        {
            "spec/nodeSelector": {"nvidia.com/gpu.product": "Tesla-T4"},
            "spec/tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
    )
    assert applied.create_pod("customer-age", trainer, dry_run=False).message == ""
    described = " ".join(run(DESCRIBE_POD).stdout.split())
    assert "Status: Pending" in described
    assert "Node-Selectors: nvidia.com/gpu.product=Tesla-T4" in described
    assert "nvidia.com/gpu op=Exists" in described.partition("Tolerations: ")[2]


@pytest.mark.parametrize(
    "folder_or_overlay", ["tensorflow_serving", "../overlays/on-prem-minio/serving"]
)
def test_a_model_is_served(run, applied, folder_or_overlay):
    """Not `kserve`, which the line shows first: no registry serves the definition of its kind."""
    command, _, others = SERVE.partition("#")
    assert command.split() == ["kubectl", "apply", "-k", "kserve"]
    assert "tensorflow_serving, or an overlay: kubectl apply -k ../overlays/" in others
    line = command.replace("kserve", folder_or_overlay)
    assert "deployment.apps/customer-age" in run(f"cd kubeflow/manifests/serving && {line}").stdout


@pytest.mark.parametrize("overlay", PREDICTORS)
def test_the_api_server_accepts_the_predictor_container(run, applied, overlay):
    assert "deployment.apps/customer-age-predictor" in run(PREDICTORS[overlay]).stdout


def test_the_needs_of_the_cluster_are_detected(new_server, run, folder, programs):
    for line in (NODE_LOCAL_DNS, OPENSHIFT, CILIUM):
        answer = page_commands.run(line, new_server, folder, {})
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "(NotFound)" in answer.stderr
    ApiClient(new_server).create_namespace("openshift-dns", {})
    labels = {"app": "dns"}
    container = {"name": "dns", "image": "dns"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    daemon_set = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "node-local-dns", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    new_server.kubectl("create", "-f-", stdin=yaml.safe_dump(daemon_set))
    new_server.kubectl("apply", "--server-side", "-f", str(programs / "cilium-crds"))
    for line in (NODE_LOCAL_DNS, OPENSHIFT, CILIUM):
        assert run(line).stdout.startswith("NAME")


def test_where_servers_listen_and_which_policies_there_are(new_server, run, applied, tmp_path):
    overlay = with_components(tmp_path / "manifests", "on-prem-minio", "network_policies")
    new_server.kubectl("apply", "-f-", stdin=yaml.safe_dump_all(render(overlay)))
    for namespace, labels, address in (
        ("kubeflow", {}, "10.1.2.3"),
        ("default", {"kubernetes.io/service-name": "kubernetes"}, "10.1.2.4"),
    ):
        endpoints = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "a-server", "namespace": namespace, "labels": labels},
            "addressType": "IPv4",
            "ports": [{"port": 8333}],
            "endpoints": [{"addresses": [address]}],
        }
        new_server.kubectl("create", "-f-", stdin=yaml.safe_dump(endpoints))
    assert run(ENDPOINTS).stdout.split()[-4:-1] == ["IPv4", "8333", "10.1.2.3"]
    assert "10.1.2.4" in run(API_SERVER).stdout
    names = {line.split()[0] for line in run(POLICIES).stdout.splitlines()[1:]}
    assert names >= {"deny-by-default", "allow-dns", "allow-kubeflow", "allow-tls"}
    described = run(DESCRIBE_POLICY).stdout
    assert {f"To Port: {port}/TCP" for port in (8888, 8887, 8080, 8333, 9000)} <= {
        line.strip() for line in described.splitlines()
    }


def test_kubeflows_policies_are_found(new_server, run):
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "ml-pipeline", "namespace": "kubeflow"},
        "spec": {"podSelector": {}},
    }
    new_server.kubectl("create", "-f-", stdin=yaml.safe_dump(policy))
    assert "ml-pipeline" in run(KUBEFLOW_S_POLICIES).stdout


def test_kubeflow_s_label_is_set_and_another_apply_leaves_it(run, applied):
    run(LABEL)
    run(APPLY)
    labels = applied.ask("GET", "/api/v1/namespaces/customer-age").body["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == "kubeflow-profile"


@pytest.mark.parametrize("labels", ["", "--labels=customer-age.internal/component=retraining "])
def test_the_check_s_pod_is_admitted_and_removed(new_server, applied, folder, labels):
    """Its end is written by the test: a kubelet would run it."""
    line = CHECK.replace("run check ", f"run check {labels}")
    variables = page_commands.environment(new_server, page_commands.exported(README))
    pod = "/api/v1/namespaces/customer-age/pods/check"
    with subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=variables, stdout=-1, stderr=-1, text=True
    ) as process:
        ends = time.monotonic() + 120
        while (answer := applied.ask("GET", pod)).status != 200:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < ends
            time.sleep(0.1)
        ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        container = {"name": "check", "image": "i", "imageID": "", "ready": False}
        statuses = [container | {"restartCount": 0, "state": ended}]
        applied.patch_status(pod, {"phase": "Succeeded", "containerStatuses": statuses})
        _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")
    [check] = answer.body["spec"]["containers"]
    assert check["image"] == page_commands.exported(README)["IMAGE"]
    assert check["command"] == ["python", "-"]
    retraining = answer.body["metadata"]["labels"].get("customer-age.internal/component")
    assert retraining == ("retraining" if labels else None)
    assert applied.ask("GET", pod).status == 404
