"""Each service account may do what it needs, and nothing else that the server knows of."""

import time

import pytest
import yaml
from api_client import ApiClient
from api_server import ApiServer
from manifest_pods import Object, changed
from rendered_manifests import MANIFESTS, namespace_of, of_kind, render
from rights import EVERYBODY, PIPELINES, Right, all_rights, allowed, named, rules

SECRETS = [
    *("customer-age-object-store", "mlpipeline-minio-artifact", "customer-age-person-key"),
    *("customer-age-ledger", "customer-age-registry", "customer-age-notify", "customer-age-images"),
]
CONFIG_MAPS = ["kfp-launcher", "artifact-repositories", "customer-age-settings"]


def rights(group: str, resource: str, *verbs: str, name: str = "") -> set[Right]:
    return {Right(group, resource, verb, name) for verb in verbs}


# The rights that Kubeflow's driver and launcher, and Argo's executor, need.
RUN = {
    *rights("", "configmaps", "get", name="kfp-launcher"),
    *rights("", "secrets", "get", name="customer-age-object-store"),
    *rights("", "secrets", "get", name="mlpipeline-minio-artifact"),
    *rights("", "pods", "get"),
    *rights("argoproj.io", "workflowtaskresults", "create", "patch"),
    # The Kubeflow Pipelines after 2.17, for its tasks and artifacts.
    *rights(PIPELINES, "runs", "get", "list", "update"),
    *rights(PIPELINES, "artifacts", "create", "get", "list"),
}
# The rights that the API of Kubeflow Pipelines checks when the account starts a run.
RETRAINING = {
    *rights(PIPELINES, "experiments", "create", "get", "list"),
    *rights(PIPELINES, "runs", "create", "get", "list", "terminate", "delete"),
}
# The overlays for GKE have the same rights by their common base.
ACCOUNTS = {
    ("on-prem-minio", "customer-age-pipeline"): RUN,
    ("on-prem-minio", "customer-age-retraining"): RETRAINING,
    ("on-prem-minio-profile", "customer-age-retraining"): RETRAINING,
    ("gke-standalone", "customer-age-pipeline"): RUN,
    ("gke-standalone", "customer-age-retraining"): RETRAINING,
    ("gke/serving", "customer-age-serving"): set(),
    ("gke/predictor", "customer-age-predictor"): set(),
}


@pytest.fixture(scope="module")
def client(server: ApiServer) -> ApiClient:
    asking = ApiClient(server)
    for namespace in {namespace_of(overlay) for overlay, _ in ACCOUNTS}:
        asking.create_namespace(namespace, {})
    asking.create_namespace("somebody-else-s", {})
    for overlay in {overlay for overlay, _ in ACCOUNTS}:
        apply(server, render(MANIFESTS / "overlays" / overlay))
    return asking


@pytest.fixture(scope="module")
def everything(client: ApiClient) -> set[Right]:
    return all_rights(client)


def apply(server: ApiServer, objects: list[Object]) -> None:
    known = [each for each in objects if each["kind"] != "InferenceService"]
    server.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump_all(known))


def to_request(everything: set[Right]) -> set[Right]:
    """All there is, each Secret and ConfigMap that we name, and one that we do not."""
    some = {right for right in everything if right.resource in ("secrets", "configmaps")}
    return everything | named(some, [*SECRETS, *CONFIG_MAPS, "another"])


def without_what_follows(rights: set[Right]) -> set[Right]:
    """Leave out what is allowed by its name because it is allowed for all."""
    return {
        right
        for right in rights
        if not right.name or Right(right.group, right.resource, right.verb) not in rights
    }


def wait_for(client: ApiClient, account: str, namespace: str, right: Right) -> None:
    """Roles reach the server's authorizer a moment after they are stored."""
    ends = time.monotonic() + 60
    while not allowed(client, account, namespace, [right], at=namespace):
        assert time.monotonic() < ends, f"{account} has no {right}"
        time.sleep(0.05)


def test_the_table_covers_all_rights(everything):
    """Resources with verbs of their own, subresources, and what only Kubeflow knows."""
    assert len(everything) > 600
    for right in (
        *(Right("", "secrets", "list"), Right("", "pods/exec", "create")),
        *(Right("", "serviceaccounts/token", "create"), Right("apps", "deployments", "patch")),
        *(Right("batch", "jobs", "create"), Right("rbac.authorization.k8s.io", "roles", "bind")),
        *(Right(PIPELINES, "pipelines", "delete"), Right(PIPELINES, "runs", "readArtifact")),
    ):
        assert right in everything


@pytest.mark.parametrize(("overlay", "account"), ACCOUNTS)
def test_an_account_may_do_what_it_needs_and_nothing_else(client, everything, overlay, account):
    needed = ACCOUNTS[overlay, account]
    namespace = namespace_of(overlay)
    if needed:
        wait_for(client, account, namespace, max(needed))
    may = allowed(client, account, namespace, to_request(everything), at=namespace)
    assert without_what_follows(may) == needed


@pytest.mark.parametrize(("overlay", "account"), ACCOUNTS)
@pytest.mark.parametrize("at", ["somebody-else-s", "kube-system"])
def test_it_has_no_rights_in_other_namespaces(client, overlay, account, at):
    """The rules that hold for it there, those for the whole cluster among them."""
    assert rules(client, account, namespace_of(overlay), at=at) == {
        Right(group, resource, "create") for group, resource in EVERYBODY
    }


def test_kubectl_gives_the_same_result(server, client):
    """`kubectl auth can-i --list` adds up the rules that hold for an account."""
    user = "system:serviceaccount:customer-age:customer-age-retraining"
    listed = server.kubectl("auth", "can-i", "--list", "-n", "customer-age", f"--as={user}").stdout
    lines = [line for line in listed.splitlines() if PIPELINES in line]
    assert sorted(" ".join(line.split()) for line in lines) == [
        "experiments.pipelines.kubeflow.org [] [] [create get list]",
        "runs.pipelines.kubeflow.org [] [] [create get list terminate delete]",
    ]


@pytest.mark.parametrize(
    ("account", "rule", "gained"),
    [
        (
            "customer-age-pipeline",
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
            rights("", "secrets", "list"),
        ),
        (
            "customer-age-retraining",
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["*"]},
            rights("", "pods/exec", "create", "get"),
        ),
    ],
)
def test_one_right_too_many_is_seen(server, client, everything, account, rule, gained):
    objects = render(MANIFESTS / "overlays" / "gke")
    role = of_kind(objects, "Role")[account]
    renamed = {"metadata/namespace": "one-right-too-many"}
    binding = changed(of_kind(objects, "RoleBinding")[account], renamed)
    binding["subjects"][0]["namespace"] = "one-right-too-many"
    client.create_namespace("one-right-too-many", {})
    apply(server, [changed(role, {**renamed, "rules/0": rule}), binding])
    wait_for(client, account, "one-right-too-many", max(gained))
    needed = RUN if account == "customer-age-pipeline" else RETRAINING
    may = allowed(
        client, account, "one-right-too-many", to_request(everything), at="one-right-too-many"
    )
    assert without_what_follows(may) - needed == gained
