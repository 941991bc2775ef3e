"""What `kubectl kustomize` renders is what a cluster takes, and no more than is needed."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import click
import kubernetes_validate
import pytest
import yaml
from rendered_manifests import (
    KUBERNETES,
    MANIFESTS,
    OWN,
    PROFILES,
    SERVED,
    STANDALONE,
    namespace_of,
    needs_kubectl,
    of_kind,
    pod_of,
    render,
    settings_of,
)

from customer_age.pipeline.cli.cli import cli

OVERLAYS = (*OWN, *PROFILES, *STANDALONE)

pytestmark = needs_kubectl


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[dict]]:
    return {name: render(MANIFESTS / "overlays" / name) for name in (*OVERLAYS, *SERVED)}


def gibibytes(quantity: str) -> int:
    assert quantity.endswith("Gi")
    return int(quantity.removesuffix("Gi"))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", (*OVERLAYS, *SERVED))
def test_every_object_matches_its_schema(rendered, name, version):
    checked = 0
    for each in rendered[name]:
        if each["apiVersion"].startswith("serving.kserve.io/"):
            continue  # not a kind of Kubernetes itself: test_serving_manifests.py checks it
        kubernetes_validate.validate(each, version, strict=True)
        checked += 1
    assert checked >= 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"spec": {"hard": {"requests.nvidia.com/gpu": "2"}, "soft": {}}},
        {"spec": {"scopes": "none"}},
    ],
)
def test_the_check_finds_mistakes(wrong):
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "a"}}
    kubernetes_validate.validate(quota, KUBERNETES[0], strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(quota | wrong, KUBERNETES[0], strict=True)


@pytest.mark.parametrize("name", (*OVERLAYS, *SERVED))
def test_everything_is_in_one_namespace_and_no_secret_is_written(rendered, name):
    for each in rendered[name]:
        assert each["kind"] not in ("Secret", "ClusterRole", "ClusterRoleBinding")
        namespace = each["metadata"].get("namespace")
        assert namespace == (None if each["kind"] == "Namespace" else namespace_of(name)), each
    for binding in of_kind(rendered[name], "RoleBinding").values():
        assert {subject["namespace"] for subject in binding["subjects"]} == {namespace_of(name)}


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_named_is_there(rendered, name):
    objects = rendered[name]
    accounts, roles = of_kind(objects, "ServiceAccount"), of_kind(objects, "Role")
    for binding in of_kind(objects, "RoleBinding").values():
        assert binding["roleRef"]["name"] in roles
        assert {subject["name"] for subject in binding["subjects"]} <= set(accounts)
    [cron_job] = of_kind(objects, "CronJob").values()
    pod = pod_of(cron_job)
    assert pod["serviceAccountName"] in accounts
    for volume in pod["volumes"]:
        if "configMap" in volume:
            assert volume["configMap"]["name"] in of_kind(objects, "ConfigMap")
    [container] = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_rights_are_the_least(rendered, name):
    for role in of_kind(rendered[name], "Role").values():
        for rule in role["rules"]:
            assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
            assert not set(rule["resources"]) & {"pods/exec", "roles", "rolebindings"}
            if set(rule["resources"]) & {"secrets", "configmaps"}:
                assert rule["verbs"] == ["get"]
                assert rule["resourceNames"], "only those that are named"
    retraining = of_kind(rendered[name], "Role")["customer-age-retraining"]
    groups = {group for rule in retraining["rules"] for group in rule["apiGroups"]}
    assert groups == {"pipelines.kubeflow.org"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_retraining_runs_once_at_a_time_as_nobody(rendered, name):
    [cron_job] = of_kind(rendered[name], "CronJob").values()
    spec = cron_job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] > 10, "Kubernetes checks every ten seconds"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    pod = pod_of(cron_job)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for bound in ("requests", "limits"):
        assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}
    scratch = sum(
        gibibytes(volume["emptyDir"]["sizeLimit"])
        for volume in pod["volumes"]
        if "emptyDir" in volume
    )
    assert scratch < gibibytes(container["resources"]["limits"]["ephemeral-storage"])
    dockerfile = (MANIFESTS.parent / "Dockerfile").read_text()
    assert f"USER {pod['securityContext']['runAsUser']}:" in dockerfile


@pytest.mark.parametrize("name", OVERLAYS)
def test_retrainings_token_is_only_for_kubeflow_pipelines(rendered, name):
    [cron_job] = of_kind(rendered[name], "CronJob").values()
    pod = pod_of(cron_job)
    [token] = [volume["projected"] for volume in pod["volumes"] if "projected" in volume]
    [source] = [each["serviceAccountToken"] for each in token["sources"]]
    assert source["audience"] == "pipelines.kubeflow.org"
    [container] = pod["containers"]
    [mounted] = [
        mount["mountPath"]
        for mount in container["volumeMounts"]
        if mount["name"] == "pipelines-token"
    ]
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert variables["KF_PIPELINES_SA_TOKEN_PATH"] == f"{mounted}/{source['path']}"


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_settings_are_read_and_are_of_the_same_image_and_store(rendered, name, tmp_path):
    objects = rendered[name]
    settings = settings_of(objects, tmp_path)
    [cron_job] = of_kind(objects, "CronJob").values()
    assert pod_of(cron_job)["containers"][0]["image"] == settings.cluster.image
    assert settings.cluster.gpu_image == f"{settings.cluster.image}-gpu"
    pulled = pod_of(cron_job).get("imagePullSecrets", [])
    assert [each["name"] for each in pulled] == list(settings.cluster.image_pull_secrets)
    [container] = pod_of(cron_job)["containers"]
    folders = {each["mountPath"] for each in container["volumeMounts"]}
    [secret] = settings.cluster.secret_files
    assert Path(settings.data.person_key_file).parent == Path(secret.folder)
    assert secret.folder in folders


@pytest.mark.parametrize("name", OWN)
def test_the_launcher_and_the_quota_match_the_settings(rendered, name, tmp_path):
    objects = rendered[name]
    settings = settings_of(objects, tmp_path)
    launcher = of_kind(objects, "ConfigMap")["kfp-launcher"]["data"]
    assert launcher["defaultPipelineRoot"] == settings.cluster.pipeline_root
    scheme = settings.cluster.pipeline_root.partition("://")[0]
    assert list(yaml.safe_load(launcher["providers"])) == [scheme]
    quota = of_kind(objects, "ResourceQuota")["customer-age-gpus"]["spec"]["hard"]
    gpu = settings.trainer.gpu
    assert gpu.count <= int(quota[f"requests.{gpu.resource}"])


@pytest.mark.parametrize("name", OVERLAYS)
def test_retraining_gets_its_target_and_keeps_its_ledger_outside(
    rendered, name, tmp_path, monkeypatch
):
    settings = settings_of(rendered[name], tmp_path)
    [cron_job] = of_kind(rendered[name], "CronJob").values()
    [container] = pod_of(cron_job)["containers"]
    for each in container["env"]:
        monkeypatch.setenv(each["name"], each.get("value", "secret"))
    program, verb, *arguments = container["args"]
    assert program == "customer-age"
    with cli.get_command(click.Context(cli), verb).make_context(verb, arguments) as context:
        assert context.params["mode"] == "once"
        assert context.params["target"] == "kubeflow"
        assert context.params["host"] == "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
        account = context.params["service_account"]
        assert account in {*of_kind(rendered[name], "ServiceAccount"), "default-editor"}
        config = Path(context.params["config"])
    folders = {each["mountPath"] for each in container["volumeMounts"]}
    assert str(config.parent) in folders
    ledger = urlsplit(settings.ledger_uri)
    assert ledger.scheme == "postgresql"
    assert ledger.port == 5432, "which test_network_policies.py lets retraining reach"
    assert "PGPASSWORD" in {each["name"] for each in container["env"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_components_and_retraining_find_the_same_store(rendered, name, tmp_path):
    cluster = settings_of(rendered[name], tmp_path).cluster
    [cron_job] = of_kind(rendered[name], "CronJob").values()
    [container] = pod_of(cron_job)["containers"]
    plain = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert cluster.environment.items() <= plain.items()
    secret = {
        each["name"]: (each["valueFrom"]["secretKeyRef"]["name"], key)
        for each in container["env"]
        if "valueFrom" in each
        for key in [each["valueFrom"]["secretKeyRef"]["key"]]
    }
    for each in cluster.secret_environment:
        for key, variable in each.variables.items():
            assert secret[variable] == (each.secret, key)


def test_gke_acts_for_a_google_account_and_finds_its_gpu_nodes(rendered, tmp_path):
    for account in of_kind(rendered["gke"], "ServiceAccount").values():
        annotation = account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
        assert re.fullmatch(r"[a-z-]+@[a-z-]+\.iam\.gserviceaccount\.com", annotation)
    gpu = settings_of(rendered["gke"], tmp_path).trainer.gpu
    assert gpu.node_selector == {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
    assert [toleration.key for toleration in gpu.tolerations] == ["nvidia.com/gpu"]


def test_only_the_gateway_can_connect_to_a_served_model(rendered):
    for name in SERVED:
        [policy] = of_kind(rendered[name], "NetworkPolicy").values()
        for rule in policy["spec"]["ingress"]:
            assert rule["from"]
            assert all("namespaceSelector" in peer for peer in rule["from"])
    [policy] = of_kind(rendered["on-prem-minio/serving"], "NetworkPolicy").values()
    [deployment] = of_kind(rendered["on-prem-minio/serving"], "Deployment").values()
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    [service] = of_kind(rendered["gke/serving"], "InferenceService").values()
    predictor = service["spec"]["predictor"]
    assert predictor["model"]["storageUri"].startswith("gs://")
    accounts = of_kind(rendered["gke/serving"], "ServiceAccount")
    assert predictor["serviceAccountName"] in accounts
