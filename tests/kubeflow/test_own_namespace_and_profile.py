"""An own namespace is given what a profile of Kubeflow's has; a profile keeps its own."""

from urllib.parse import parse_qsl

import pytest
import yaml
from rendered_manifests import (
    MANIFESTS,
    OWN,
    PROFILES,
    SERVED,
    STANDALONE,
    needs_kubectl,
    of_kind,
    pod_of,
    render,
    settings_of,
)

ALL = (*OWN, *PROFILES, *STANDALONE, *SERVED)

pytestmark = needs_kubectl


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[dict]]:
    return {name: render(MANIFESTS / "overlays" / name) for name in ALL}


@pytest.mark.parametrize("name", ALL)
def test_no_label_of_ours_is_one_that_kubeflow_s_policies_read(rendered, name):
    """Kubeflow admits `app.kubernetes.io/part-of: kubeflow-profile`, and a profile sets it once."""
    for each in rendered[name]:
        pod = each.get("spec", {}).get("jobTemplate", {}).get("spec", {}).get("template", {})
        for metadata in (each["metadata"], pod.get("metadata", {})):
            assert "app.kubernetes.io/part-of" not in metadata.get("labels", {}), each
    for namespace in of_kind(rendered[name], "Namespace").values():
        labels = namespace["metadata"]["labels"]
        assert {label.partition("/")[0] for label in labels} == {"pod-security.kubernetes.io"}


@pytest.mark.parametrize("name", OWN)
def test_the_pod_security_labels_of_an_own_namespace_are_true(rendered, name):
    """Kubeflow's executor container lacks runAsNonRoot: all meet baseline, not all restricted."""
    [namespace] = of_kind(rendered[name], "Namespace").values()
    assert namespace["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/audit": "restricted",
    }


@pytest.mark.parametrize("name", OWN)
def test_no_pod_of_an_own_namespace_mounts_the_secret_that_only_a_profile_has(rendered, name):
    repositories = of_kind(rendered[name], "ConfigMap")["artifact-repositories"]
    annotations = repositories["metadata"]["annotations"]
    default = annotations["workflows.argoproj.io/default-artifact-repository"]
    assert yaml.safe_load(repositories["data"][default]) == {"archiveLogs": False}
    assert list(repositories["data"]) == [default]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_keeps_what_kubeflow_provides(rendered, name):
    objects = rendered[name]
    settings = [name for name in of_kind(objects, "ConfigMap") if "settings" in name]
    assert len(settings) == 1
    assert {(each["kind"], each["metadata"]["name"]) for each in objects} == {
        ("ConfigMap", *settings),
        ("CronJob", "customer-age-retraining"),
        ("Role", "customer-age-retraining"),
        ("RoleBinding", "customer-age-retraining"),
        ("ServiceAccount", "customer-age-retraining"),
    }
    [cron_job] = of_kind(objects, "CronJob").values()
    arguments = pod_of(cron_job)["containers"][0]["args"]
    assert arguments[arguments.index("--service-account") + 1] == "default-editor"


@pytest.mark.parametrize("name", OWN)
def test_the_run_s_account_may_report_to_the_next_kubeflow(rendered, name):
    """Its API server requires these; 2.17 has ML Metadata instead, which requires no rights."""
    rights = {
        resource: set(rule["verbs"])
        for rule in of_kind(rendered[name], "Role")["customer-age-pipeline"]["rules"]
        if rule["apiGroups"] == ["pipelines.kubeflow.org"]
        for resource in rule["resources"]
    }
    assert rights == {"runs": {"get", "list", "update"}, "artifacts": {"create", "get", "list"}}


@pytest.mark.parametrize("name", ("on-prem-minio-profile", "on-prem-minio-standalone"))
def test_with_kubeflows_own_launcher_the_root_contains_minios_address(rendered, name, tmp_path):
    """Without `providers` of ours the launcher knows no address but the root's."""
    own = rendered["on-prem-minio"]
    [cron_job] = of_kind(rendered[name], "CronJob").values()
    arguments = pod_of(cron_job)["containers"][0]["args"]
    override = arguments[arguments.index("--set") + 1]
    settings = settings_of(rendered[name], tmp_path, override)
    root = settings_of(own, tmp_path).cluster.pipeline_root
    plain, _, query = settings.cluster.pipeline_root.partition("?")
    assert plain == root
    providers = yaml.safe_load(of_kind(own, "ConfigMap")["kfp-launcher"]["data"]["providers"])
    assert dict(parse_qsl(query)) == {
        "endpoint": settings.cluster.environment["AWS_ENDPOINT_URL"],
        "use_path_style": "true",
        "region": providers["s3"]["default"]["region"],
    }


@pytest.mark.parametrize("name", STANDALONE)
def test_with_one_user_nothing_in_kubeflows_namespace_is_changed(rendered, name):
    objects = rendered[name]
    assert {each["kind"] for each in objects} == {
        "ConfigMap", "CronJob", "Role", "RoleBinding", "ServiceAccount",
    }  # fmt: skip
    assert all("settings" in config for config in of_kind(objects, "ConfigMap"))
    assert "customer-age-pipeline" in of_kind(objects, "ServiceAccount")
