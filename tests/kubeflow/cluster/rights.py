"""The rights of an account, from the API server: for each resource and each verb."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from api_client import ApiClient

VERBS = ("create", "get", "list", "watch", "update", "patch", "delete", "deletecollection")
PIPELINES = "pipelines.kubeflow.org"
VIRTUAL = {
    # Kubeflow Pipelines requires these, but Kubernetes does not define them:
    # backend/src/apiserver/common/const.go, and its branch without ML Metadata.
    PIPELINES: (
        (
            *("pipelines", "pipelines/versions", "experiments", "runs", "jobs", "artifacts"),
            *("workflows", "scheduledworkflows", "viewers", "visualizations", "tasks"),
        ),
        (
            *VERBS,
            *("archive", "unarchive", "disable", "enable", "retry", "terminate"),
            *("report", "reportMetrics", "readArtifact"),
        ),
    ),
    # Argo's kinds, which are not installed here.
    "argoproj.io": (
        (
            *("workflows", "workflowtemplates", "cronworkflows", "workflowtasksets"),
            *("workflowtaskresults", "workflowtasksets/status", "workflowartifactgctasks"),
        ),
        VERBS,
    ),
    "kubeflow.org": (("profiles", "notebooks"), VERBS),
    "serving.kserve.io": (("inferenceservices",), VERBS),
}
BEYOND = {
    # Verbs that give access to other accounts' rights, in addition to those of discovery.
    ("", "users"): ("impersonate",),
    ("", "groups"): ("impersonate",),
    ("", "serviceaccounts"): ("impersonate",),
    ("rbac.authorization.k8s.io", "roles"): ("bind", "escalate"),
    ("rbac.authorization.k8s.io", "clusterroles"): ("bind", "escalate"),
    ("certificates.k8s.io", "signers"): ("approve", "sign", "attest"),
}
EVERYBODY = {
    # Kubernetes's own cluster role system:basic-user: who am I, and what may I do.
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
}


@dataclass(frozen=True, order=True)
class Right:
    """One thing that someone may do.

    Attributes:
        group: Of the API; empty for the core.
        resource: With its subresource, as in `pods/log`.
        verb: Of Kubernetes, or of Kubeflow Pipelines.
        name: Of the one object that it is for; empty for all.
    """

    group: str
    resource: str
    verb: str
    name: str = ""


def all_rights(client: ApiClient) -> set[Right]:
    """Each resource that the server serves with each of its verbs, and what it does not know."""
    rights = {
        Right(group, resource, verb)
        for group, (resources, verbs) in VIRTUAL.items()
        for resource in resources
        for verb in verbs
    }
    for (group, resource), verbs in BEYOND.items():
        rights |= {Right(group, resource, verb) for verb in verbs}
    for path in _group_versions(client):
        group = path.split("/")[2] if path.startswith("/apis/") else ""
        for served in client.ask("GET", path).body["resources"]:
            if (group, served["name"]) not in EVERYBODY:
                rights |= {Right(group, served["name"], verb) for verb in served["verbs"]}
    return rights


def allowed(
    client: ApiClient, account: str, namespace: str, rights: Iterable[Right], *, at: str
) -> set[Right]:
    """Those of the rights that an account has.

    Args:
        client: An administrator's.
        account: The service account.
        namespace: It is in.
        rights: To be asked for.
        at: Namespace of what it would be done to; empty for the whole cluster.
    """
    user, groups = _identity(account, namespace)

    def may(right: Right) -> bool:
        resource, _, subresource = right.resource.partition("/")
        attributes = {
            **{"namespace": at, "verb": right.verb, "group": right.group, "name": right.name},
            **{"resource": resource, "subresource": subresource},
        }
        spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
        review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        answer = client.ask("POST", path, {**review, "spec": spec})
        assert answer.status == 201, answer
        return bool(answer.body["status"]["allowed"])

    ordered = sorted(rights)
    with ThreadPoolExecutor(4) as threads:
        return {right for right, yes in zip(ordered, threads.map(may, ordered), strict=True) if yes}


def rules(client: ApiClient, account: str, namespace: str, *, at: str) -> set[Right]:
    """All that an account may do in a namespace, as the server adds it up from its rules.

    Args:
        client: An administrator's.
        account: The service account.
        namespace: It is in.
        at: Namespace of what it would be done to.
    """
    user, _ = _identity(account, namespace)  # the server adds the groups itself
    review = {"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = client.ask(
        "POST", path, {**review, "spec": {"namespace": at}}, **{"Impersonate-User": user}
    )
    assert answer.status == 201, answer
    status = answer.body["status"]
    assert not status["incomplete"]
    return {
        Right(group, resource, verb, name)
        for rule in status["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames") or [""]
    }


def _identity(account: str, namespace: str) -> tuple[str, list[str]]:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return f"system:serviceaccount:{namespace}:{account}", [*groups, "system:authenticated"]


def named(rights: Iterable[Right], names: Iterable[str]) -> set[Right]:
    """The same for objects of these names."""
    return {replace(right, name=name) for right in rights for name in names}


def _group_versions(client: ApiClient) -> list[str]:
    groups = client.ask("GET", "/apis").body["groups"]
    return ["/api/v1", *(f"/apis/{each['preferredVersion']['groupVersion']}" for each in groups)]
