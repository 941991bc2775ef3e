"""Errors, before a run starts, about a registry to which no version could be published."""

import contextlib
import logging
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.model_registry import (
    google_errors,
    open_registry,
    saved_model_fingerprint,
)
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def place(request, uri):
    """The URI of a registry, and the name of a new model."""
    if request.param == "sqlite":
        return uri, "customer-age"
    return request.getfixturevalue("server"), f"customer-age-{uuid.uuid4().hex[:8]}"


def client_of(uri):
    from mlflow import MlflowClient

    return MlflowClient(uri.removeprefix("mlflow+"))


def carry_out(warning):
    """Run the command in the message, as a person would; return the command."""
    found = re.search(r"`MLFLOW_TRACKING_URI=(\S+) mlflow ([^`]*)`", warning)
    uri, command = found.groups()
    environment = {"MLFLOW_TRACKING_URI": uri, "PATH": ""}
    subprocess.run([sys.executable, "-m", "mlflow", *command.split()], env=environment, check=True)
    return command


def test_before_the_first_version_nothing_is_missing(place):
    open_registry(*place).require_ready()


def test_a_deleted_experiment_is_reported_with_the_command_that_restores_it(
    place, publication, tmp_path
):
    uri, name = place
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    open_registry(uri, name).publish(first)
    open_registry(uri, name).require_ready()
    client = client_of(uri)
    number = client.get_experiment_by_name(name).experiment_id
    client.delete_experiment(number)
    with pytest.raises(SettingsError, match=f"experiment {number}, {name}, is deleted") as raised:
        open_registry(uri, name).require_ready()
    with pytest.raises(SettingsError, match="is deleted, so nothing can be published"):
        open_registry(uri, name).publish(second)
    champion = open_registry(uri, name).champion()
    assert (champion.version, champion.metrics["mae"]) == ("1", 6.5)
    got = open_registry(uri, name).download("1", tmp_path / "got")
    assert saved_model_fingerprint(got) == first.fingerprint
    assert carry_out(str(raised.value)) == f"experiments restore -x {number}"
    open_registry(uri, name).require_ready()
    assert open_registry(uri, name).publish(second).aliases == ("champion",)


def test_the_deleted_run_of_the_champion_is_reported_and_read(place, publication, tmp_path, caplog):
    uri, name = place
    first, second = publication("first", mae=6.5), publication("second", mae=6.0, baseline="1")
    open_registry(uri, name).publish(first)
    client = client_of(uri)
    [made] = client.search_model_versions(f"name = '{name}'")
    client.delete_run(made.run_id)
    with caplog.at_level(logging.WARNING, "customer_age.model_registry"):
        open_registry(uri, name).require_ready()
    [warning] = [
        each.getMessage()
        for each in caplog.records
        if each.name.startswith("customer_age") and each.levelno == logging.WARNING
    ]
    assert f"run {made.run_id} of version 1, the champion, is deleted" in warning
    champion = open_registry(uri, name).champion()
    assert champion.metrics["mae"] == 6.5
    assert champion.settings == {"trainer.epochs": "3"}
    open_registry(uri, name).download("1", tmp_path / "got")
    assert open_registry(uri, name).publish(second).version == "2"
    assert carry_out(warning) == f"runs restore --run-id {made.run_id}"


def test_a_permanently_removed_run_is_reported(uri, publication):
    registry = open_registry(uri, "customer-age")
    registry.publish(publication("first", mae=6.5))
    client = client_of(uri)
    [made] = client.search_model_versions("name = 'customer-age'")
    client.delete_run(made.run_id)
    address = uri.removeprefix("mlflow+")
    command = [sys.executable, "-m", "mlflow", "gc", "--run-ids", made.run_id]
    command += ["--backend-store-uri", address, "--tracking-uri", address]
    subprocess.run(command, check=True)
    with pytest.raises(SettingsError, match=f"run {made.run_id} of version 1, .* models rollback"):
        open_registry(uri, "customer-age").require_ready()


def test_it_is_reported_before_anything_is_started(uri, publication, photos, tmp_path):
    open_registry(uri, "customer-age").publish(publication("first", mae=6.5))
    client = client_of(uri)
    client.delete_experiment(client.get_experiment_by_name("customer-age").experiment_id)
    settings = loading.load(
        "local",
        (f"registry.uri={uri}", "trainer.weights=none"),
        data__path=str(photos),
        work_dir=str(tmp_path / "work"),
    )
    with pytest.raises(SettingsError, match="experiments restore"):
        preflight.check(settings)
    shutil.rmtree(tmp_path / "work", ignore_errors=True)


class _Proxy(BaseHTTPRequestHandler):
    """A proxy that runs but reaches no server."""

    status = 503

    def do_GET(self):
        self.send_error(self.status, "no way\nthrough")

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


REGISTRIES = (
    "mlflow+http://registry.example:5000",
    "mlflow+https://registry.example",
    "kubeflow-registry://registry.example?artifacts=s3://models",
    "kubeflow-registry+https://registry.example?artifacts=s3://models",
)


@pytest.mark.parametrize("uri", REGISTRIES)
def test_a_dead_proxy_is_named_without_its_password(uri, closed_port, monkeypatch):
    variable = "HTTPS_PROXY" if "https:" in uri else "HTTP_PROXY"
    host = f"127.0.0.1:{closed_port}"
    monkeypatch.setenv(variable, f"http://anna:s3cret@{host}")
    with pytest.raises(SettingsError) as raised:
        open_registry(uri, "customer-age").require_ready()
    assert f" through the proxy {host} from {variable} (set NO_PROXY=registry.example" in str(
        raised.value
    )
    assert "\n" not in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "anna" not in str(raised.value)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("status", [407, 502, 503, 504])
def test_a_proxy_that_reaches_no_server_is_reported_at_once(proxy, monkeypatch, status, variable):
    monkeypatch.setattr(_Proxy, "status", status)
    monkeypatch.setenv(variable, f"http://{proxy}")
    registry = open_registry("mlflow+http://registry.example:5000", "customer-age")
    with pytest.raises(SettingsError, match=f"through the proxy {proxy} from {variable}") as raised:
        registry.require_ready()
    assert str(status) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_address_without_a_proxy_is_reported_without_one(closed_port, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{closed_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    registry = open_registry(f"mlflow+http://127.0.0.1:{closed_port}", "customer-age")
    with pytest.raises(SettingsError, match="no MLflow server answers at http://127") as raised:
        registry.require_ready()
    assert "proxy" not in str(raised.value).lower()


def test_google_cloud_behind_a_dead_proxy_names_it(monkeypatch):
    from google.auth.exceptions import TransportError

    monkeypatch.setenv("HTTPS_PROXY", "http://anna:s3cret@10.0.0.1:3128")
    message = str(google_errors.translate(TransportError("connection refused")))
    assert "through the proxy 10.0.0.1:3128 from HTTPS_PROXY" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("revision", "remedy"),
    [
        ("ffffffffffff", "a newer MLflow has upgraded it: install that version, or restore"),
        ("451aebb31d03", "back it up, then run `mlflow db upgrade`"),
    ],
)
def test_a_database_of_another_mlflow_is_reported_with_the_right_remedy(uri, revision, remedy):
    open_registry(uri, "customer-age").require_ready()
    made = Path(uri.removeprefix("mlflow+sqlite:///"))
    other = shutil.copyfile(made, made.with_name("other.db"))  # MLflow checks a file once
    with contextlib.closing(sqlite3.connect(other)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", [revision])
    with pytest.raises(SettingsError, match=rf"revision {revision}, .*: {remedy}"):
        open_registry(f"mlflow+sqlite:///{other}", "customer-age").require_ready()
