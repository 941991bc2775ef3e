"""Files of models in an untrusted listing: no file is written or read outside its folder."""

import contextlib
import http.server
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from customer_age.errors import RunError
from customer_age.files import addresses
from customer_age.model_registry import open_registry, saved_model_fingerprint, sqlite_file
from customer_age.model_registry.mlflow_store import downloads
from customer_age.model_registry.mlflow_store.tracking import SqliteFile

MODEL = "models/1/model"


class HostileServer(http.server.ThreadingHTTPServer):
    """An MLflow server's artifacts: a SavedModel, and other names that a test adds to the list."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.listed: list[dict] = []
        self.fetched: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: HostileServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        artifacts = "/api/2.0/mlflow-artifacts/artifacts"
        if url.path == artifacts:
            inner = parse_qs(url.query)["path"][0] == f"{MODEL}/saved_model"
            good = {"path": "saved_model.pb", "is_dir": False, "file_size": 4}
            body = json.dumps({"files": [good, *self.server.listed] if inner else []}).encode()
        else:
            self.server.fetched.append(url.path.removeprefix(artifacts))
            body = b"evil"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hostile_server() -> Iterator[HostileServer]:
    server = HostileServer()
    yield server
    server.shutdown()


@pytest.fixture
def all_files(tmp_path: Path) -> Callable[[], set[str]]:
    return lambda: {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")}


def test_a_server_that_lists_a_good_model(hostile_server, tmp_path):
    folder = tmp_path / "deep" / "model"
    folder.mkdir(parents=True)
    uri = f"http://127.0.0.1:{hostile_server.server_port}"
    downloads.download(f"mlflow-artifacts:/{MODEL}", uri, folder)
    assert [each.name for each in folder.iterdir()] == ["saved_model.pb"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a/../../evil", "MLflow refuses a name"), ("../evil", "MLflow refuses a name"),
        ("/abs", "MLflow refuses a name"), ("%2e%2e/evil", "MLflow refuses a name"),
        ("file:///etc/passwd", "MLflow refuses a name"),
        ("a//b", r"'a//b' has an empty part"), (".", r"'\.' has an empty part"),
        ("", "'' has an empty part"), ("n" * 300, r"'n+…' has a part of more than 255 bytes"),
        ("\ud800", r"'\\ud800' holds a control"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_dir", [False, True])
def test_a_servers_file_outside_the_folder_is_not_fetched(
    hostile_server, all_files, tmp_path, name, said, is_dir
):
    hostile_server.listed = [{"path": name, "is_dir": is_dir}]
    folder = tmp_path / "deep" / "model"
    folder.mkdir(parents=True)
    uri = f"http://127.0.0.1:{hostile_server.server_port}"
    with pytest.raises(RunError, match=said) as error:
        downloads.download(f"mlflow-artifacts:/{MODEL}", uri, folder)
    assert str(error.value).isprintable()
    assert hostile_server.fetched == []
    assert all_files() == {"deep", "deep/model"}


@pytest.mark.parametrize("key", ["a/../../evil", "../../../evil", "a//b", ".", "n" * 300])
def test_a_buckets_file_outside_the_folder_is_not_fetched(
    s3_endpoint, aws_credentials, monkeypatch, all_files, tmp_path, key
):
    """MLflow's client downloads the model from the bucket itself, without a server's proxy."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="shop")
    for name in ("saved_model.pb", key):
        client.put_object(Bucket="shop", Key=f"{MODEL}/saved_model/{name}", Body=b"evil")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", s3_endpoint)
    folder = tmp_path / "deep" / "model"
    folder.mkdir(parents=True)
    with pytest.raises(RunError, match="the model's files under s3://shop/.*: the name '") as error:
        downloads.download(f"s3://shop/{MODEL}", "sqlite://", folder)
    assert str(error.value).isprintable()
    assert all_files() == {"deep", "deep/model"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("http://[::1/model", "is not a valid URI"),
        ("file://elsewhere/etc", "the model registry failed"),
        ("file:///none/there", "there are no files under /none/there/saved_model"),
        ("/none/there", "there are no files under /none/there/saved_model"),
    ],
)
def test_a_version_without_files_is_refused_in_one_line(uri, tmp_path, source, said):
    """The creator of the version may have recorded any text as its source."""
    from mlflow import MlflowClient

    database = addresses.sqlite_url(str(sqlite_file(uri)))
    client = MlflowClient(tracking_uri=database, registry_uri=database)
    client.create_registered_model("customer-age")
    with contextlib.closing(sqlite3.connect(sqlite_file(uri))) as connection, connection:
        connection.execute(
            "INSERT INTO model_versions (name, version, creation_time, current_stage, source, "
            "status, storage_location) VALUES ('customer-age', 1, 1, 'None', ?, 'READY', ?)",
            (source, source),
        )
    with pytest.raises(RunError, match=said) as error:
        open_registry(uri, "customer-age").download("1", tmp_path / "got")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("of", ["file", "folder"])
def test_a_link_in_a_registrys_folder_is_not_followed(registry, publication, tmp_path, of):
    registry.publish(publication("first", mae=6.5))
    [model] = tmp_path.glob("a registry/artifacts/**/saved_model")
    away = tmp_path / "away"
    away.mkdir()
    (away / "secret").write_bytes(b"secret")
    (model / "assets").symlink_to(away if of == "folder" else away / "secret")
    with pytest.raises(RunError, match="the name 'assets' is a link out of its folder"):
        registry.download("1", tmp_path / "got")
    assert [*(tmp_path / "got").rglob("*")] == []


def test_a_model_folder_with_a_link_out_of_it_is_not_published(registry, publication, tmp_path):
    model = publication("first", mae=6.5).model_dir
    before = saved_model_fingerprint(model)
    (model / "also.pb").symlink_to(model / "saved_model.pb")
    assert saved_model_fingerprint(model) != before, "a link inside is the file it names"
    (tmp_path / "secret").write_bytes(b"secret")
    (model / "key").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="the name 'key' is a link out of its folder"):
        saved_model_fingerprint(model)


def test_a_downloaded_link_is_refused(uri, publication, tmp_path, monkeypatch):
    registry = open_registry(uri, "customer-age")
    registry.publish(publication("first", mae=6.5))

    def linked(_source: str, _tracking_uri: str, folder: Path) -> None:
        (folder / "saved_model.pb").symlink_to("/etc/hostname")

    monkeypatch.setattr(downloads, "download", linked)
    with pytest.raises(RunError, match="version 1: the name 'saved_model.pb' is a link out"):
        registry.download("1", tmp_path / "got")


@pytest.mark.parametrize("recorded", ["", ".", "..", "../other", "{away}", "a" * 31])
def test_a_recorded_run_id_deletes_no_other_files(tmp_path, recorded):
    runs, away = tmp_path / "registry" / "artifacts", tmp_path / "other"
    for folder in (runs / ("a" * 32), runs / ("b" * 32), runs / ("a" * 31), away):
        folder.mkdir(parents=True)
        (folder / "model").write_bytes(b"x")
    registry = SqliteFile(tmp_path / "registry" / "mlflow.db")
    registry.free(recorded.format(away=away))
    assert len([*tmp_path.glob("**/model")]) == 4
    registry.free("a" * 32)
    assert not (runs / ("a" * 32)).exists()
    assert len([*tmp_path.glob("**/model")]) == 3
