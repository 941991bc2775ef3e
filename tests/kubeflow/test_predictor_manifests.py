"""The predictor container's manifests, which must match `customer-age serve`."""

import re

import kubernetes_validate
import pytest
import yaml
from rendered_manifests import KUBERNETES, MANIFESTS, needs_kubectl, of_kind, render
from starlette.routing import Match

from customer_age.pipeline.cli.cli import cli
from customer_age.pipeline.cli.serve import serve
from customer_age.pipeline.serving import rest
from customer_age.pipeline.serving.inference import Inference
from customer_age.pipeline.serving.inference_request import Limits
from customer_age.pipeline.serving.micro_batches import Batching
from customer_age.pipeline.serving.serving_metrics import ServingMetrics

SERVING = MANIFESTS / "serving"


def documents(name: str) -> dict[str, dict]:
    [file] = SERVING.glob(f"*/{name}")
    return {each["kind"]: each for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))}


def plain_pod() -> dict:
    return documents("predictor.yaml")["Deployment"]["spec"]["template"]["spec"]


def kserve_pod() -> dict:
    service = documents("predictor_inference_service.yaml")["InferenceService"]
    return service["spec"]["predictor"]


PODS = {"plain": plain_pod, "kserve": kserve_pod}


@pytest.fixture(params=PODS)
def pod(request) -> dict:
    return PODS[request.param]()


@pytest.fixture
def container(pod) -> dict:
    [container] = pod["containers"]
    return container


def parameters(container: dict, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the verb makes of the arguments and the environment."""
    for each in container["env"]:
        if each["name"].startswith("CUSTOMER_AGE_SERVE_"):
            monkeypatch.setenv(each["name"], each["value"])
    program, verb, *arguments = container["args"]
    assert program == "customer-age" and cli.commands[verb] is serve
    return serve.make_context("serve", arguments).params


def test_the_arguments_are_those_of_the_verb_and_the_ports_agree(container, monkeypatch):
    given = parameters(container, monkeypatch)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert given["host"] == "0.0.0.0"
    assert ports.pop("grpc", given["grpc_port"]) == given["grpc_port"]
    assert list(ports.values()) == [given["port"]]
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert given["work_dir"].startswith(f"{mounts[0]}/"), "nothing else can be written to"
    if "CUSTOMER_AGE_SERVE_SET" in [each["name"] for each in container["env"]]:
        assert given["overrides"] == ("registry.uri=mlflow+http://CHANGE-ME:5000",)
        assert given["model"] is None


def test_a_variable_is_that_of_an_option():
    text = (SERVING / "predictor" / "predictor.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"CUSTOMER_AGE_SERVE_\w+", text))
    assert named == {"CUSTOMER_AGE_SERVE_SET", "CUSTOMER_AGE_SERVE_MODEL"}
    assert named < {option.envvar for option in serve.params}


@pytest.mark.parametrize(
    ("probe", "status_before_a_model"),
    [("startupProbe", 503), ("readinessProbe", 503), ("livenessProbe", 200)],
)
def test_probes_use_existing_ports_and_paths(container, probe, status_before_a_model):
    if probe not in container:
        assert "ready" in container["readinessProbe"]["httpGet"]["path"]
        return
    path = container[probe]["httpGet"]["path"]
    app = rest.application(Inference("customer-age", Limits(), Batching(), ServingMetrics()))
    scope = {"type": "http", "path": path, "method": "GET"}
    assert [route.path for route in app.routes if route.matches(scope)[0] is Match.FULL] == [path]
    assert path.endswith("live") == (status_before_a_model == 200)
    port = container[probe]["httpGet"]["port"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert port in ports or port in ports.values()


def test_nobody_runs_as_root_or_writes(pod, container):
    assert pod["enableServiceLinks"] is False
    context = container["securityContext"] | {"pod": pod.get("securityContext", {})}
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    either = context["pod"] | container["securityContext"]
    assert either["runAsNonRoot"] is True and either["runAsUser"] > 0
    assert either["seccompProfile"] == {"type": "RuntimeDefault"}
    [scratch] = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    assert scratch["sizeLimit"] == "512Mi"
    for bound in ("requests", "limits"):
        assert set(container["resources"][bound]) == {"cpu", "memory", "ephemeral-storage"}
    # TensorFlow would start a thread for each core of the node.
    threads = {each["name"]: each.get("value") for each in container["env"]}
    assert threads["TF_NUM_INTRAOP_THREADS"] == container["resources"]["limits"]["cpu"]


def test_a_pod_has_enough_time_to_end():
    from customer_age.pipeline.serving.serve import GRACE_SECONDS

    pod = plain_pod()
    [container] = pod["containers"]
    [sleep, seconds] = container["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert int(seconds) + GRACE_SECONDS < pod["terminationGracePeriodSeconds"]


def test_kserve_gets_the_protocol_and_the_models_location(monkeypatch):
    [container] = kserve_pod()["containers"]
    assert container["name"] == "kserve-container"
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert environment["PROTOCOL"] == "v2"
    assert environment["STORAGE_URI"] == "gs://CHANGE-ME/customer-age"
    assert parameters(container, monkeypatch)["model"] == "/mnt/models"
    assert len(container["ports"]) == 1, "Knative takes one"


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_pod_of_kserves_predictor_matches_its_schema(version):
    own = {"minReplicas", "maxReplicas", "timeout"}
    spec = {name: value for name, value in kserve_pod().items() if name not in own}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}
    kubernetes_validate.validate(pod, version, strict=True)


def test_gateway_and_metrics_may_connect_and_the_service_finds_the_pod():
    deployment, service = (documents("predictor.yaml")[kind] for kind in ("Deployment", "Service"))
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    file = SERVING / "predictor" / "network_policy.yaml"
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert service["spec"]["selector"] == labels == deployment["spec"]["selector"]["matchLabels"]
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    admitted = {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]: [
            port["port"] for port in rule["ports"]
        ]
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
    }
    assert admitted == {"istio-system": [8080, 8081], "monitoring": [8080]}
    assert [port["port"] for port in service["spec"]["ports"]] == [8080, 8081]


def test_both_of_kserve_s_forms_have_one_policy():
    texts = {(SERVING / form / "network_policy.yaml").read_text() for form in
             ("kserve", "kserve_predictor")}  # fmt: skip
    assert len(texts) == 1


def reached(objects: list[dict]) -> set[tuple[str, int]]:
    """Namespaces and addresses that the predictor may connect to, with the port."""
    [policy] = of_kind(objects, "NetworkPolicy").values()
    return {
        (_peer(peer), port["port"])
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        for port in rule["ports"]
    }


def _peer(peer: dict) -> str:
    if "ipBlock" in peer:
        return peer["ipBlock"]["cidr"]
    return peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]


def settings_of(overlay: str) -> dict:
    file = MANIFESTS / "overlays" / overlay / "settings.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@needs_kubectl
@pytest.mark.parametrize("overlay", ["on-prem-minio", "gke"])
def test_the_overlays_predictor_serves_the_champion_that_the_overlay_publishes(overlay):
    objects = render(MANIFESTS / "overlays" / overlay / "predictor")
    settings = settings_of(overlay)
    [deployment] = of_kind(objects, "Deployment").values()
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == settings["cluster"]["image"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["CUSTOMER_AGE_SERVE_SET"] == f"registry.uri={settings['registry']['uri']}"


@needs_kubectl
def test_the_predictor_on_premises_only_connects_to_registry_and_store():
    objects = render(MANIFESTS / "overlays" / "on-prem-minio" / "predictor")
    assert reached(objects) == {("kube-system", 53), ("mlflow", 5000), ("minio", 9000)}
    [deployment] = of_kind(objects, "Deployment").values()
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    elsewhere = settings_of("on-prem-minio")["cluster"]["environment"]["MLFLOW_S3_ENDPOINT_URL"]
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == elsewhere


@needs_kubectl
def test_the_predictor_on_gke_connects_to_no_private_address_and_has_its_own_account():
    objects = render(MANIFESTS / "overlays" / "gke" / "predictor")
    tokens = {
        ("169.254.169.252/32", 987),
        ("169.254.169.252/32", 988),
        ("169.254.169.254/32", 80),
        ("169.254.169.254/32", 8080),
    }
    names = {("kube-system", 53), ("169.254.20.10/32", 53)}
    assert reached(objects) == {*tokens, *names, ("0.0.0.0/0", 443)}
    [policy] = of_kind(objects, "NetworkPolicy").values()
    [google] = [
        peer["ipBlock"]
        for rule in policy["spec"]["egress"]
        for peer in rule["to"]
        if "except" in peer.get("ipBlock", {})
    ]
    assert "10.0.0.0/8" in google["except"], "nothing else of the company's network"
    [deployment] = of_kind(objects, "Deployment").values()
    [account] = of_kind(objects, "ServiceAccount")
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account
    assert pod["automountServiceAccountToken"] is False
