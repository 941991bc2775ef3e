"""Open a model registry by its URI."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from customer_age.errors import SettingsError
from customer_age.files import addresses

from .champion_registry import ChampionRegistry
from .kubeflow_store import model_files
from .kubeflow_store.client import KubeflowService
from .kubeflow_store.store import KubeflowStore
from .kubeflow_store.token import TOKEN_HINT
from .mlflow_store.store import MlflowStore
from .mlflow_store.tracking import Server, SqliteFile
from .registry import ModelRegistry
from .vertex_store.address import EXAMPLE, VertexAddress
from .vertex_store.store import VertexStore

_KUBEFLOW = {"kubeflow-registry": ("http", 8080), "kubeflow-registry+https": ("https", 443)}
"""Our scheme to the HTTP scheme and the default port, which are those of Kubeflow's client."""

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_KUBEFLOW_EXAMPLE = "kubeflow-registry://host:8080/model?artifacts=s3://bucket/models"

_SUPPORTED = (
    "mlflow+sqlite:////folder/mlflow.db, mlflow+http://host:port, mlflow+https://host:port, "
    f"{EXAMPLE}, {_KUBEFLOW_EXAMPLE} and kubeflow-registry+https://..."
)


def open_registry(uri: str, model_name: str) -> ModelRegistry:
    """Open a model registry.

    No client is imported and no request is sent before the registry is used, so that a wrong URI is
    reported at once.

    Args:
        uri: such as `mlflow+sqlite:////work/registry/mlflow.db`.
        model_name: the name of the registered model.

    Raises:
        SettingsError: the URI is not supported, or contains a password.
    """
    scheme, _, rest = uri.partition("://")
    if scheme == "mlflow+sqlite":
        return ChampionRegistry(model_name, MlflowStore(_sqlite_file(uri), model_name))
    if scheme in ("mlflow+http", "mlflow+https"):
        server = _server(uri.removeprefix("mlflow+"))
        return ChampionRegistry(model_name, MlflowStore(server, model_name))
    if scheme == "vertex":
        address = VertexAddress.of(uri, model_name)
        return ChampionRegistry(address.model, VertexStore(address))
    if scheme in _KUBEFLOW:
        return _kubeflow(uri, model_name)
    kind = f"unknown kind of registry {scheme!r}" if rest else "not a URI"
    raise SettingsError(f"registry.uri: {kind}; supported are {_SUPPORTED}")


def sqlite_file(uri: str) -> Path | None:
    """Return the database file of an embedded registry; None if the URI names another registry."""
    path = addresses.sqlite_path(uri.removeprefix("mlflow+"))
    return Path(path) if path and uri.startswith("mlflow+") else None


def _sqlite_file(uri: str) -> SqliteFile:
    file = sqlite_file(uri)
    if file is None or not file.is_absolute() or uri.endswith("/"):
        raise SettingsError(
            f"registry.uri: {uri} must contain the absolute path of a file, with four slashes: "
            "mlflow+sqlite:////folder/mlflow.db"
        )
    if "?" in uri:
        raise SettingsError(
            "registry.uri: the path of a SQLite file must not contain a question mark; write %3F"
        )
    return SqliteFile(file)


def _server(uri: str) -> Server:
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise SettingsError(
            "registry.uri: must not contain a user or password, because it is kept in logs and "
            "metadata; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise SettingsError("registry.uri: write an MLflow server as mlflow+https://host:port")
    return Server(uri.rstrip("/"))


def _kubeflow(uri: str, model_name: str) -> ChampionRegistry:
    """Open a Kubeflow Model Registry. It stores no files, so its URI contains their location."""
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise SettingsError(
            "registry.uri: must not contain a user or password, because it is kept in logs and "
            f"metadata; {TOKEN_HINT}"
        )
    scheme, default_port = _KUBEFLOW[parts.scheme]
    name = unquote(parts.path).strip("/") or model_name
    try:
        address = f"{scheme}://{parts.hostname}:{parts.port or default_port}"
    except ValueError:
        address = ""
    if not parts.hostname or not address or parts.fragment or not _MODEL_NAME.fullmatch(name):
        raise SettingsError(f"registry.uri: write a Kubeflow Model Registry as {_KUBEFLOW_EXAMPLE}")
    key, _, artifacts = parts.query.partition("=")
    if key != "artifacts":
        raise SettingsError(
            "registry.uri: a Kubeflow Model Registry stores no files, so their location is needed: "
            f"add ?artifacts= and {model_files.SUPPORTED}"
        )
    files = model_files.check_address(unquote(artifacts))
    return ChampionRegistry(name, KubeflowStore(KubeflowService(address), files, name))
