"""The manifests are what a cluster takes, and the documented request is what the model takes."""

import base64
import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from kubernetes import client
from packaging.version import Version

from customer_age.components.champion import export_median
from customer_age.components.trainer.serving_graph import signatures

SERVING = Path(__file__).parents[2] / "kubeflow" / "manifests" / "serving"
README = (SERVING / "README.md").read_text(encoding="utf-8")

MODELS = {
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "Deployment": "V1Deployment",
    "Service": "V1Service",
}

# KServe's v1beta1 API, as far as the manifest may use it: besides these, a predictor takes the
# fields of a pod, and its model those of a container.
PREDICTOR = {"minReplicas", "maxReplicas", "timeout", "canaryTrafficPercent", "model"}
MODEL = {"modelFormat", "protocolVersion", "runtime", "runtimeVersion", "storageUri"}


def documents(name):
    [file] = SERVING.glob(f"*/{name}")
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def by_kind():
    return {document["kind"]: document for document in documents("tensorflow_serving.yaml")}


@pytest.fixture(scope="module")
def container(by_kind):
    [container] = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def check(value, type_name, path):
    """Hold a value against a type of the Kubernetes client; an unknown field is an error."""
    if nested := re.fullmatch(r"list\[(.+)\]", type_name):
        assert isinstance(value, list), path
        for place, item in enumerate(value):
            check(item, nested[1], f"{path}[{place}]")
    elif nested := re.fullmatch(r"dict\(str, (.+)\)", type_name):
        assert isinstance(value, dict), path
        for key, item in value.items():
            check(item, nested[1], f"{path}.{key}")
    elif type_name in ("str", "int", "bool"):
        assert type(value).__name__ == type_name, f"{path}: {value!r} is no {type_name}"
    elif type_name == "object":  # an integer or a name
        assert isinstance(value, str | int), path
    else:
        check_fields(value, type_name, path)


def check_fields(value, type_name, path, beside=frozenset()):
    kind = getattr(client, type_name)
    fields = {there: here for here, there in kind.attribute_map.items()}
    unknown = set(value) - set(fields) - beside
    assert not unknown, f"{path}: {type_name} has no {unknown}"
    known = {name: item for name, item in value.items() if name in fields}
    for name, item in known.items():
        check(item, kind.openapi_types[fields[name]], f"{path}.{name}")
    if not beside:
        kind(**{fields[name]: item for name, item in known.items()})  # what is required is there


def test_each_document_is_valid(by_kind):
    assert list(by_kind) == list(MODELS)
    for kind, document in by_kind.items():
        check(document, MODELS[kind], kind)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spec": {"replicaCount": 1}}, "replicaCount"),
        ({"spec": {"replicas": "1"}}, "is no int"),
        ({"spec": {"replicas": 1, "template": {}}}, "selector"),
    ],
)
def test_the_check_of_validity_finds_mistakes(wrong, message):
    with pytest.raises((AssertionError, ValueError), match=message):
        check(wrong, "V1Deployment", "Deployment")


def test_the_inference_service_is_valid():
    [service] = documents("inference_service.yaml")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert service["kind"] == "InferenceService"
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(service["spec"]) == {"predictor"}
    check(service["metadata"], "V1ObjectMeta", "metadata")
    predictor = service["spec"]["predictor"]
    check_fields(predictor, "V1PodSpec", "predictor", beside=PREDICTOR)
    assert 1 <= predictor["minReplicas"] <= predictor["maxReplicas"]
    model = predictor["model"]
    check_fields(model, "V1Container", "model", beside=MODEL)
    assert model["modelFormat"] == {"name": "tensorflow"}
    assert model["protocolVersion"] == "v1"
    assert re.fullmatch(r"(gs|s3)://CHANGE-ME/customer-age", model["storageUri"])


def test_one_pinned_version_serves_in_both(container):
    image, _, tag = container["image"].partition(":")
    assert image == "tensorflow/serving"
    # The newest image. It is older than the TensorFlow of TFX 1.21, whose models an even older one
    # loads: see tests/both_lines.
    assert tag == "2.20.0"
    [service] = documents("inference_service.yaml")
    assert service["spec"]["predictor"]["model"]["runtimeVersion"] == tag
    assert f"TensorFlow {tag.rpartition('.')[0]}" in README
    # TFX 1.21 installs the client of a server that is not newer.
    lock = (SERVING.parents[2] / "requirements/tfx-1.21-py313.txt").read_text(encoding="utf-8")
    [client_version] = re.findall(r"^tensorflow-serving-api==([\d.]+) ", lock, re.MULTILINE)
    assert Version(client_version) <= Version(tag)


def test_nobody_runs_as_root_or_writes(by_kind, container):
    pod = by_kind["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    [service] = documents("inference_service.yaml")
    model = service["spec"]["predictor"]["model"]
    assert model["securityContext"]["runAsNonRoot"] is True
    assert model["securityContext"]["runAsUser"] > 0
    for context in (container["securityContext"], model["securityContext"]):
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
    [models] = [mount for mount in container["volumeMounts"] if mount["name"] == "models"]
    assert models["readOnly"] is True
    for resources in (container["resources"], model["resources"]):
        for bound in ("requests", "limits"):
            assert set(resources[bound]) >= {"cpu", "memory", "ephemeral-storage"}
    # What /tmp may hold counts as well: past its limit a pod is evicted.
    [scratch] = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    limit = container["resources"]["limits"]["ephemeral-storage"]
    assert mebibytes(scratch["sizeLimit"]) < mebibytes(limit)


def mebibytes(quantity):
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))


def admitted(policy):
    """The namespaces that a policy allows, and the ports of each; no ports means all."""
    return {
        namespace: {port["port"] for port in rule.get("ports", [])}
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
        for expression in peer["namespaceSelector"]["matchExpressions"]
        for namespace in expression["values"]
        if (expression["key"], expression["operator"]) == ("kubernetes.io/metadata.name", "In")
    }


def test_the_gateways_of_both_kserve_modes_can_connect_to_the_model():
    [policy] = yaml.safe_load_all((SERVING / "kserve" / "network_policy.yaml").read_text())
    [service] = documents("inference_service.yaml")
    assert policy["spec"]["podSelector"]["matchLabels"] == {
        "serving.kserve.io/inferenceservice": service["metadata"]["name"]
    }
    assert admitted(policy) == {
        # Knative mode: Knative's proxy in the pod has ports of its own.
        "istio-system": set(),
        "knative-serving": set(),
        # Standard mode: the port of KServe's runtime for TensorFlow.
        "envoy-gateway-system": {8080},
        "kserve": {8080},
    }


def test_ports_paths_and_names_agree(by_kind, container):
    arguments = dict(argument.lstrip("-").split("=") for argument in container["args"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": int(arguments["port"]), "http": int(arguments["rest_api_port"])}
    deployment, service = by_kind["Deployment"], by_kind["Service"]
    for port in service["spec"]["ports"]:
        assert port["targetPort"] in ports
        assert port["port"] == ports[port["targetPort"]]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels

    name = arguments["model_name"]
    assert f"POST /v1/models/{name}:predict" in README
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": f"/v1/models/{name}", "port": "http"}
    assert container["livenessProbe"]["tcpSocket"] == {"port": "http"}

    pod = deployment["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(volumes) == set(mounts)
    assert arguments["model_base_path"].startswith(f"{mounts['models']}/")
    claim = by_kind["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["models"]["persistentVolumeClaim"]["claimName"] == claim

    [inference] = documents("inference_service.yaml")
    assert inference["metadata"]["name"] == name, "KServe serves the model under its own name"


def tensors(request, signature):
    """What TensorFlow Serving makes of a request in row format: a batch for each named input."""
    inputs = signature.structured_input_signature[1]
    batches = {}
    for instance in request["instances"]:
        assert set(instance) == set(inputs), "TensorFlow Serving requires exactly these"
        for name, value in instance.items():
            assert set(value) == {"b64"}
            batches.setdefault(name, []).append(base64.b64decode(value["b64"], validate=True))
    return {name: tf.constant(batch, inputs[name].dtype) for name, batch in batches.items()}


def test_the_documented_request_and_answer_are_those_of_a_published_model(tmp_path):
    request, answer = (json.loads(body) for body in re.findall(r"```json\n(.+?)\n```", README))
    photos = keras.Input((8, 8, 3))
    deviation = keras.layers.Dense(1, kernel_initializer="zeros")
    pooled = keras.layers.GlobalAveragePooling2D()(photos)
    age = keras.layers.Rescaling(9.0, 34.2)(deviation(pooled))
    signatures.export(keras.Model(photos, age), str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    outputs = served(**tensors(request, served))
    ages = np.round(outputs["age"].numpy().astype(float), 4).tolist()
    reasons = [reason.decode() for reason in outputs["reason"].numpy()]
    rows = [{"age": age, "reason": reason} for age, reason in zip(ages, reasons, strict=True)]
    assert sorted(outputs) == ["age", "reason"], "several outputs: a row for each instance"
    assert answer == {"predictions": rows}
    broken = served(image_bytes=tf.constant([b"no photo"]))
    assert (float(broken["age"][0]), broken["reason"][0]) == (-1, b"not_an_image")


def test_the_documented_way_of_the_examples_is_there(tmp_path):
    [body] = re.findall(r'`(\{"signature_name".+\})`', README)
    request = json.loads(body)
    export_median(34.2, str(tmp_path / "model"))
    model = tf.saved_model.load(str(tmp_path / "model"))
    inputs = model.signatures[request["signature_name"]].structured_input_signature[1]
    assert set(request["instances"][0]) == set(inputs)


def test_the_readme_names_what_the_model_must_not_decide():
    assert "not fit to decide the sale of age-restricted goods" in " ".join(README.split())
