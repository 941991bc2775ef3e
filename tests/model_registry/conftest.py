"""A registry of each kind. MLflow's migrations take seconds, so they run once."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from customer_age.model_registry import (
    ModelRegistry,
    Publication,
    open_registry,
    saved_model_fingerprint,
)
from customer_age.model_registry.champion_registry import ChampionRegistry
from customer_age.model_registry.mlflow_store.tracking import SqliteFile
from customer_age.model_registry.vertex_store.address import VertexAddress
from customer_age.model_registry.vertex_store.store import VertexStore

NAME = "customer-age"

Publish = Callable[..., Publication]
OpenVertex = Callable[..., ChampionRegistry]


def write_model(folder: Path, content: str) -> Path:
    """Write files named like a SavedModel's; the registry never reads their content."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(content.encode() * 1000)
    (folder / "variables" / "variables.index").write_bytes(b"index of " + content.encode())
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(content.encode() * 5000)
    return folder


def publication_of(folder: Path, content: str, mae: float, baseline: str = "") -> Publication:
    model = folder if folder.exists() else write_model(folder, content)
    return Publication(
        model_dir=model,
        fingerprint=saved_model_fingerprint(model),
        metrics={"mae": mae, "photos": 200.0, "mae/25-34": mae - 1, "mae/65+": mae + 3},
        tags={"run_key": f"key of {content}"},
        settings={"trainer.epochs": "3"},
        description=f"The model **{content}**.",
        baseline_version=baseline,
    )


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "mlflow.db"
    SqliteFile(file).prepare()
    return file


@pytest.fixture
def uri(tmp_path: Path, empty_database: Path) -> str:
    folder = tmp_path / "a registry"
    folder.mkdir()
    shutil.copy(empty_database, folder)
    return f"mlflow+sqlite:///{folder}/mlflow.db"


@pytest.fixture
def sqlite_registry(registry: ModelRegistry) -> ModelRegistry:
    return registry


@pytest.fixture
def server_registry(server: str) -> ModelRegistry:
    return open_registry(server, f"customer-age-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def server(
    empty_database: Path, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_database.read_bytes())
    port = free_port()
    arguments = ["--port", str(port), "--workers", "1"]
    arguments += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    arguments += ["--artifacts-destination", str(folder / "files")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *arguments],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", process, folder / "log")
            yield f"mlflow+http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def vertex_servers() -> Iterator[dict[str, str]]:
    """Addresses of the stand-in for Vertex AI, and of an emulator of Cloud Storage."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("vertex_stand_in.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.communicate()


@pytest.fixture
def open_vertex(
    vertex_servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenVertex]:
    """Open a registry by the name of its model, each time with a new client."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", vertex_servers["storage"])
    with contextlib.ExitStack() as channels:

        def opened(
            name: str,
            *interceptors: grpc.UnaryUnaryClientInterceptor,
            project: str = "shop",
            staging: str = "gs://models/up",
        ) -> ChampionRegistry:
            uri = f"vertex://{project}/europe-west4/{name}?staging={staging}"
            address = VertexAddress.of(uri, "customer-age")
            channel = channels.enter_context(grpc.insecure_channel(vertex_servers["vertex"]))
            channel = grpc.intercept_channel(channel, *interceptors)
            return ChampionRegistry(name, VertexStore(address, channel))

        yield opened


@pytest.fixture
def vertex_registry(open_vertex: OpenVertex) -> ModelRegistry:
    return open_vertex(f"customer-age-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def kubeflow_registry(kubeflow_uri: str) -> ModelRegistry:
    return open_registry(kubeflow_uri, NAME)


@pytest.fixture
def kubeflow_uri(kubeflow_host: str, tmp_path: Path) -> str:
    """The URI of a new registered model, with its files in a folder."""
    model = f"customer-age-{uuid.uuid4().hex[:8]}"
    return f"kubeflow-registry://{kubeflow_host}/{model}?artifacts=file://{tmp_path}/files"


@pytest.fixture
def alpha_kubeflow_registry(alpha_kubeflow_host: str, tmp_path: Path) -> ModelRegistry:
    """A registry with a server of the API `v1alpha3`."""
    model = f"customer-age-{uuid.uuid4().hex[:8]}"
    uri = f"kubeflow-registry://{alpha_kubeflow_host}/{model}?artifacts=file://{tmp_path}/files"
    return open_registry(uri, NAME)


@pytest.fixture(scope="session")
def kubeflow_host() -> Iterator[str]:
    with kubeflow_stand_in("v1") as host:
        yield host


@pytest.fixture(scope="session")
def alpha_kubeflow_host() -> Iterator[str]:
    with kubeflow_stand_in("v1alpha3") as host:
        yield host


@pytest.fixture(params=["v1", "v1alpha3"])
def closed_kubeflow_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that requires the token `let-me-in`."""
    with kubeflow_stand_in(request.param, "let-me-in") as host:
        yield host


@contextlib.contextmanager
def kubeflow_stand_in(version: str, token: str = "") -> Iterator[str]:
    script = Path(__file__).with_name("kubeflow_stand_in.py")
    command = [sys.executable, script, version, token]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _wait_until_healthy(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the MLflow server does not answer: {log.read_text()}")


@pytest.fixture
def registry(uri: str) -> ModelRegistry:
    return open_registry(uri, NAME)


@pytest.fixture
def publication(tmp_path: Path) -> Publish:
    """A model by its content, its MAE in years, and the version it was evaluated against."""

    def make(content: str, mae: float, baseline: str = "") -> Publication:
        return publication_of(tmp_path / "models" / content, content, mae, baseline)

    return make
