"""Pod Security admission: what each namespace enforces admits every pod of ours, and no worse.

Kubeflow's namespaces, read in github.com/kubeflow/manifests: by itself a profile has no level, and
neither has `kubeflow`. `applications/profiles/pss`, which the platform's install script applies,
makes profiles `restricted`, `experimental/security/PSS/dynamic/baseline` makes them `baseline`,
and `experimental/security/PSS/static/*` does either to `kubeflow`.
"""

from collections.abc import Callable

import pytest
from api_client import ApiClient
from api_server import ApiServer
from manifest_pods import (
    EXECUTOR,
    STEPS,
    Object,
    changed,
    deployed,
    kubeflow_templates,
    predictor,
    retraining,
    step,
)
from rendered_manifests import MANIFESTS, OWN, of_kind, render

ENFORCE, WARN = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"
ACCOUNTS = ("default", "customer-age-pipeline", "customer-age-retraining", "customer-age-serving")
LACKS_NON_ROOT = (
    'violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "main" must '
    "set securityContext.runAsNonRoot=true)"
)
MAIN = "spec/containers/0"
SECURITY = f"{MAIN}/securityContext"


def of_overlay(name: str, make: Callable[[list[Object]], Object]) -> Object:
    return make(render(MANIFESTS / "overlays" / name))


PODS: dict[str, Callable[[], Object]] = {
    "retraining, on-prem-minio": lambda: of_overlay("on-prem-minio", retraining),
    "retraining, gke": lambda: of_overlay("gke", retraining),
    "TensorFlow Serving": lambda: of_overlay("on-prem-minio/serving", deployed),
    "the predictor container": lambda: of_overlay("on-prem-minio/predictor", deployed),
    "the predictor container, gke": lambda: of_overlay("gke/predictor", deployed),
    "KServe's predictor": lambda: of_overlay("gke/serving", predictor),
    **{
        f"Kubeflow's {name}": lambda name=name: kubeflow_templates()[name]
        for name in kubeflow_templates()
        if name != EXECUTOR
    },
    **{name: lambda name=name: step(name, "customer-age-pipeline") for name in STEPS},
}
LEVELS = {
    "kubeflow-as-it-is": {},
    "kubeflow-baseline": {ENFORCE: "baseline"},
    "kubeflow-restricted": {ENFORCE: "restricted"},
}


@pytest.fixture(scope="module")
def client(server: ApiServer) -> ApiClient:
    asking = ApiClient(server)
    for overlay in OWN:
        [own] = of_kind(render(MANIFESTS / "overlays" / overlay), "Namespace").values()
        asking.create_namespace(f"own-{overlay}", own["metadata"]["labels"], *ACCOUNTS)
    for name, labels in LEVELS.items():
        asking.create_namespace(name, labels, *ACCOUNTS)
    asking.create_namespace("warned", {WARN: "restricted"}, *ACCOUNTS)
    return asking


@pytest.fixture(scope="module")
def pods() -> dict[str, Object]:
    return {name: make() for name, make in PODS.items()}


def test_the_list_of_pods_is_complete(pods):
    assert len(STEPS) == 11
    assert len(pods) == 2 + 1 + 2 + 1 + 3 + 11
    executor = pods["trainer"]["spec"]
    assert executor["containers"][0]["image"] == "registry.example.org/customer-age:test"
    assert executor["activeDeadlineSeconds"] == 21600
    variables = {each["name"] for each in executor["containers"][0]["env"]}
    assert {"KFP_POD_NAME", "AWS_ACCESS_KEY_ID"} <= variables, "merged, not replaced"


@pytest.mark.parametrize("namespace", [f"own-{name}" for name in OWN])
@pytest.mark.parametrize("name", PODS)
def test_a_namespace_of_ours_admits_each_pod_without_a_warning(client, pods, namespace, name):
    answer = client.create_pod(namespace, pods[name])
    assert (answer.message, answer.warnings) == ("", ())


@pytest.mark.parametrize("namespace", ["kubeflow-as-it-is", "kubeflow-baseline"])
@pytest.mark.parametrize("name", PODS)
def test_kubeflows_namespace_also_admits_each_pod(client, pods, namespace, name):
    assert client.create_pod(namespace, pods[name]).message == ""


@pytest.mark.parametrize("name", PODS)
def test_restricted_refuses_the_steps_for_what_kubeflow_leaves_out_and_nothing_else(
    client, pods, name
):
    message = client.create_pod("kubeflow-restricted", pods[name]).message
    assert message.partition(" is forbidden: ")[2] == (LACKS_NON_ROOT if name in STEPS else "")


@pytest.mark.parametrize("name", STEPS)
def test_with_that_it_would_admit_them(client, pods, name):
    """`cluster.run_as_non_root` sets it; so can Kubeflow's administrator, from 2.16 on, by
    DEFAULT_SECURITY_CONTEXT_RUN_AS_NON_ROOT."""
    set_by_kubeflow = changed(pods[name], {f"{SECURITY}/runAsNonRoot": True})
    assert client.create_pod("kubeflow-restricted", set_by_kubeflow).message == ""


def test_the_audit_log_only_names_this(client, pods):
    """`audit: restricted` is ours; `warn` reports by the same rules what the audit log gets."""
    for name, each in pods.items():
        warnings = client.create_pod("warned", each).warnings
        expected = (LACKS_NON_ROOT.replace("violates", "would violate").replace('"', r"\""),)
        assert warnings == (expected if name in STEPS else ()), name


# Left out of baseline's controls: Windows (HostProcess), and procMount, which the server's own
# validation refuses unless the pod has users of its own (hostUsers: false).
BASELINE: dict[str, tuple[dict[str, object], str]] = {
    "the host's network": ({"spec/hostNetwork": True}, "host namespaces (hostNetwork=true)"),
    "the host's processes": ({"spec/hostPID": True}, "host namespaces (hostPID=true)"),
    "the host's memory": ({"spec/hostIPC": True}, "host namespaces (hostIPC=true)"),
    "privileged": (
        {f"{SECURITY}/privileged": True, f"{SECURITY}/allowPrivilegeEscalation": True},
        "privileged (container ",
    ),
    "capabilities": ({f"{SECURITY}/capabilities": {"add": ["SYS_ADMIN"]}}, "must not include"),
    "the host's files": (
        {"spec/volumes/0": {"name": "host", "hostPath": {"path": "/"}}},
        'hostPath volumes (volume "host")',
    ),
    "the host's ports": (
        {f"{MAIN}/ports": [{"containerPort": 80, "hostPort": 80}]},
        "hostPort (container ",
    ),
    "no AppArmor": (
        {f"{SECURITY}/appArmorProfile": {"type": "Unconfined"}},
        "forbidden AppArmor profile",
    ),
    "SELinux": ({f"{SECURITY}/seLinuxOptions": {"user": "system_u"}}, "seLinuxOptions (container"),
    "no seccomp": ({f"{SECURITY}/seccompProfile": {"type": "Unconfined"}}, "seccompProfile ("),
    "the kernel's settings": (
        {"spec/securityContext/sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
        "forbidden sysctls (kernel.msgmax)",
    ),
    "a probe of another host": (
        {f"{MAIN}/livenessProbe": {"tcpSocket": {"port": 80, "host": "10.0.0.1"}}},
        "probe or lifecycle host",
    ),
}
RESTRICTED: dict[str, tuple[dict[str, object], str]] = {
    "another kind of volume": (
        {"spec/volumes/0": {"name": "nfs", "nfs": {"server": "10.0.0.1", "path": "/"}}},
        "restricted volume types",
    ),
    "more rights": ({f"{SECURITY}/allowPrivilegeEscalation": True}, "allowPrivilegeEscalation !="),
    "root, perhaps": ({"spec/securityContext/runAsNonRoot": False}, "runAsNonRoot != true"),
    "root": ({"spec/securityContext/runAsUser": 0}, "runAsUser=0"),
    "seccomp left open": ({"spec/securityContext/seccompProfile": None}, "seccompProfile (pod or"),
    "capabilities kept": ({f"{SECURITY}/capabilities": {}}, "unrestricted capabilities"),
}


@pytest.mark.parametrize("wrong", BASELINE)
def test_a_namespace_of_ours_refuses_what_endangers_the_node(client, pods, wrong):
    changes, why = BASELINE[wrong]
    answer = client.create_pod("own-gke", changed(pods["retraining, gke"], changes))
    assert answer.status == 403, answer
    assert 'violates PodSecurity "baseline:latest": ' in answer.message
    assert why in answer.message


@pytest.mark.parametrize("wrong", RESTRICTED)
def test_restricted_refuses_what_our_own_pods_do_not_need(client, pods, wrong):
    """Our namespace admits these, and its audit log names them."""
    changes, why = RESTRICTED[wrong]
    worse = changed(pods["retraining, gke"], changes)
    answer = client.create_pod("kubeflow-restricted", worse)
    assert answer.status == 403, answer
    assert why in answer.message
    assert client.create_pod("own-gke", worse).message == ""
    [warning] = client.create_pod("warned", worse).warnings
    assert why in warning
