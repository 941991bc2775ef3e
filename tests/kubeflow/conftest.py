"""A tiny pipeline for a cluster, and the photos and the registry that it is run with."""

import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

TINY = Path(__file__).parent.parent / "e2e" / "tiny.yaml"


@pytest.fixture(autouse=True)
def no_credentials_of_aws(monkeypatch, tmp_path_factory):
    """Make the data of `cluster.yaml` unavailable at once on any machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    nothing = tmp_path_factory.getbasetemp() / "no file"
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(nothing))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def tiny_settings():
    """The settings of a whole run on a cluster, whose model is better than the median."""

    def load(data: str, root: str, *overrides: str) -> Settings:
        given = {
            "data.path": data,
            "cluster.pipeline_root": root,
            "cluster.image": "registry.example.org/customer-age:test",
            "registry.uri": "mlflow+http://nobody.asks:5000",
        }
        lines = [f"{name}={value}" for name, value in given.items()]
        return loading.load(str(TINY), (*lines, *overrides))

    return load


@pytest.fixture(scope="module")
def photos_in_s3(photos) -> Iterator[str]:
    """The photos behind a real S3 server, by a host name: an IP address would hide path style."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = f"http://localhost:{server.get_host_and_port()[1]}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="photos")
    for file in photos.rglob("*.*"):
        client.upload_file(str(file), "photos", f"grey/{file.relative_to(photos).as_posix()}")
    yield f"s3://photos/grey?endpoint={endpoint}"
    # What one server was given, the next one in this process would hold too.
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"))
    server.stop()


@pytest.fixture(scope="module")
def photos_in_gs(photos) -> Iterator[tuple[str, dict[str, str]]]:
    """The photos behind an emulator of Cloud Storage, and the environment that leads there."""
    import google.cloud.storage
    from gcp_storage_emulator.server import create_server
    from google.auth.credentials import AnonymousCredentials

    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    endpoint = f"http://127.0.0.1:{server._api._httpd.server_port}"
    client = google.cloud.storage.Client(
        project="test",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )
    bucket = client.create_bucket("photos")
    for file in photos.rglob("*.*"):
        name = f"grey/{file.relative_to(photos).as_posix()}"
        bucket.blob(name).upload_from_filename(str(file))
    environment = {"STORAGE_EMULATOR_HOST": endpoint, "GOOGLE_CLOUD_PROJECT": "test"}
    yield "gs://photos/grey", {**environment, "NO_GCE_CHECK": "true"}
    server.stop()


@pytest.fixture(scope="session")
def versions_in():
    """The versions in a registry, and the champion's number."""

    def read(uri):
        from customer_age.model_registry import open_registry

        registry = open_registry(uri, "customer-age")
        champion = registry.champion()
        return registry.versions(), champion and champion.version

    return read
