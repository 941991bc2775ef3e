import importlib
import subprocess
import sys
import time

import pytest

from customer_age.errors import SettingsError
from customer_age.model_registry import open_registry
from customer_age.model_registry.vertex_store.address import VertexAddress


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("mlruns", "not a URI; supported are"),
        ("wandb://project/model", r"unknown kind of registry 'wandb'; supported are mlflow\+"),
        ("mlflow+sqlite:///registry/mlflow.db", "absolute path of a file, with four slashes"),
        ("mlflow+sqlite:////registry/", "must contain the absolute path"),
        ("mlflow+sqlite:////registry/m.db?mode=ro", "must not contain a question mark"),
        ("mlflow+http://", "write an? .* as "),
        ("mlflow+https://host/?token=1", "write an? .* as "),
        ("vertex://shop/europe-west4", r"add the folder .*\?staging=gs://bucket/folder"),
        ("vertex://shop/europe-west4/m?staging=", "staging= is not a valid folder"),
        ("vertex://shop/europe-west4/m?staging=/mnt/b", "staging=/mnt/b is not a valid fold"),
        ("vertex://shop/europe-west4/m?staging=gs://b/f&deploy=1", "only parameter"),
        ("vertex://shop/europe-west4/m?staging=gs://bucket/f?region=x", "is not a valid folder"),
        ("vertex://shop/europe-west4/m/2?staging=gs://bu/f", "Vertex AI's registry as vertex://"),
        ("vertex:///europe-west4/m?staging=gs://bu/f", "write Vertex AI's registry as vertex://"),
        ("vertex://shop/m?staging=gs://bu/f", "'m' is not a valid region"),
        ("vertex://shop/europe-west4/Model?staging=gs://bu/f", "'Model' is not a valid id"),
        ("kubeflow-registry://?artifacts=s3://models", "Model Registry as kubeflow-registry"),
        ("kubeflow-registry://host:port?artifacts=s3://models", "write an? .* as "),
        ("kubeflow-registry://host/a/b?artifacts=s3://models", "write an? .* as "),
        ("kubeflow-registry://host/model", r"stores no files, .* add \?artifacts= and s3://"),
        ("kubeflow-registry+https://host?files=s3://models", r"add \?artifacts="),
        ("kubeflow-registry://host?artifacts=", "must be s3://bucket/folder, gs://"),
        ("kubeflow-registry://host?artifacts=/models", "artifacts=/models must be"),
        ("kubeflow-registry://host?artifacts=ftp://models", "artifacts=ftp://models must be"),
        ("kubeflow-registry://host?artifacts=s3:///models", "must be s3://bucket/folder"),
        ("kubeflow-registry://host?artifacts=file://models", "file:///folder"),
        ("kubeflow-registry://host?artifacts=s3://models&secure=no", "must be s3://"),
        ("kubeflow-registry://host?artifacts=s3://models/*", "must be s3://"),
    ],
)
def test_a_uri_that_cannot_be_used_is_named(uri, message):
    with pytest.raises(SettingsError, match=f"^registry.uri: .*{message}"):
        open_registry(uri, "customer-age")


def test_a_password_in_a_uri_is_refused_and_not_repeated():
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_PASSWORD") as raised:
        open_registry("mlflow+https://anna:s3cret@host:5000", "customer-age")
    assert "s3cret" not in str(raised.value)
    assert "anna" not in str(raised.value)


def test_the_model_in_vertex_ai_is_named_by_the_uri_or_by_the_settings():
    uri = "vertex://shop/europe-west4{}?staging=gs://bucket/folder/"
    named = VertexAddress.of(uri.format("/ages"), "customer-age")
    assert named.name == "projects/shop/locations/europe-west4/models/ages"
    assert named.staging == "gs://bucket/folder/ages"
    assert named.serving_image.startswith("europe-docker.pkg.dev/")
    assert VertexAddress.of(uri.format(""), "customer-age").name.endswith("/models/customer-age")
    with pytest.raises(
        SettingsError, match=r"^registry.model_name: 'Customer\.Age' is not a valid id"
    ):
        VertexAddress.of(uri.format(""), "Customer.Age")


@pytest.mark.parametrize(
    "uri",
    [
        "kubeflow-registry+https://anna:s3cret@host?artifacts=s3://models",
        "kubeflow-registry+https://host?artifacts=s3://anna:s3cret@models/of-age",
    ],
)
def test_a_password_for_a_kubeflow_registry_or_its_files_is_refused_and_not_repeated(uri):
    with pytest.raises(SettingsError, match="must not contain a user or password") as raised:
        open_registry(uri, "customer-age")
    assert "s3cret" not in str(raised.value)
    assert "anna" not in str(raised.value)


@pytest.mark.parametrize(
    ("uri", "address", "artifacts", "name"),
    [
        ("kubeflow-registry://host?artifacts=s3://b", "http://host:8080", "s3://b", "by-setting"),
        (
            "kubeflow-registry+https://mr.shop.example/by-uri?artifacts=gs://b/models/",
            "https://mr.shop.example:443",
            "gs://b/models",
            "by-uri",
        ),
        (
            "kubeflow-registry://host:90/?artifacts=file:///a%20b+c",
            "http://host:90",
            "file:///a b+c",
            "by-setting",
        ),
    ],
)
def test_a_uri_has_the_address_of_a_kubeflow_registry_and_of_its_files(
    monkeypatch, uri, address, artifacts, name
):
    opened = []
    module = importlib.import_module("customer_age.model_registry.open_registry")
    monkeypatch.setattr(module, "KubeflowService", lambda address: address)
    monkeypatch.setattr(module, "KubeflowStore", lambda *found: opened.append(found))
    open_registry(uri, "by-setting")
    assert opened == [(address, artifacts, name)]


@pytest.mark.parametrize("scheme", ["kubeflow-registry", "kubeflow-registry+https"])
def test_a_kubeflow_registry_that_does_not_answer_is_reported_at_once(scheme, closed_port):
    host = f"127.0.0.1:{closed_port}"
    registry = open_registry(f"{scheme}://{host}?artifacts=s3://models", "customer-age")
    importlib.import_module("mr_openapi")  # takes its time
    started = time.monotonic()
    with pytest.raises(SettingsError, match=f"no Kubeflow Model Registry answers at .*{host}"):
        registry.champion()
    assert time.monotonic() - started < 30


def test_a_server_that_does_not_answer_is_reported_at_once(closed_port):
    registry = open_registry(f"mlflow+http://127.0.0.1:{closed_port}", "customer-age")
    importlib.import_module("mlflow")  # takes its time
    started = time.monotonic()
    with pytest.raises(SettingsError, match="no MLflow server answers at http://127.0.0.1"):
        registry.champion()
    assert time.monotonic() - started < 30


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path, publication):
    (tmp_path / "file").touch()
    registry = open_registry(f"mlflow+sqlite:///{tmp_path}/file/mlflow.db", "customer-age")
    with pytest.raises(SettingsError, match=f"registry.uri: {tmp_path}/file cannot be written"):
        registry.publish(publication("first", mae=6.5))


def test_opening_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from customer_age.model_registry import baseline_for, open_registry\n"
        "vertex = 'vertex://shop/europe-west4/m?staging=gs://bucket'\n"
        "open_registry(vertex, 'customer-age')\n"
        "registry = open_registry('mlflow+sqlite:////nowhere/mlflow.db', 'customer-age')\n"
        "assert baseline_for(registry, 'key') == 'none'\n"
        "open_registry('kubeflow-registry://host?artifacts=s3://models', 'customer-age')\n"
        "heavy = {'mlflow', 'tensorflow', 'tfx', 'pandas', 'numpy', 'mr_openapi', 'aiohttp',\n"
        "         'pydantic', 'apache_beam', 'boto3', 'grpc', 'google.api_core'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
