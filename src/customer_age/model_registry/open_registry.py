"""From a registry's URI to the registry."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from customer_age.errors import SettingsError
from customer_age.files import addresses

from .champion_registry import ChampionRegistry
from .kubeflow_store import model_files
from .kubeflow_store.client import KubeflowService
from .kubeflow_store.store import KubeflowStore
from .kubeflow_store.token import HOW
from .mlflow_store.store import MlflowStore
from .mlflow_store.tracking import Server, SqliteFile
from .registry import ModelRegistry
from .vertex_store.address import AS_IN, VertexAddress
from .vertex_store.store import VertexStore

_KUBEFLOW = {"kubeflow-registry": ("http", 8080), "kubeflow-registry+https": ("https", 443)}
"""Scheme to its meaning, and the default port: those of Kubeflow's client."""

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_KUBEFLOW_EXAMPLE = "kubeflow-registry://host:8080/model?artifacts=s3://bucket/models"

_SUPPORTED = (
    "mlflow+sqlite:////folder/mlflow.db, mlflow+http://host:port, mlflow+https://host:port, "
    f"{AS_IN}, {_KUBEFLOW_EXAMPLE} and kubeflow-registry+https://..."
)


def open_registry(uri: str, model_name: str) -> ModelRegistry:
    """Open a model registry.

    Nothing is imported, made or asked before it is used, so a wrong URI is reported at once.

    Args:
        uri: such as `mlflow+sqlite:////work/registry/mlflow.db`.
        model_name: under which versions are kept.

    Raises:
        SettingsError: the URI is of no kind that is supported, or holds a password.
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
    kind = repr(scheme) if rest else "what is given"
    raise SettingsError(
        f"registry.uri: {kind} is not a kind of registry; the kinds are {_SUPPORTED}"
    )


def sqlite_file(uri: str) -> Path | None:
    """The database file of an embedded registry; None where the URI names another registry."""
    path = addresses.sqlite_path(uri.removeprefix("mlflow+"))
    return Path(path) if path and uri.startswith("mlflow+") else None


def _sqlite_file(uri: str) -> SqliteFile:
    file = sqlite_file(uri)
    if file is None or not file.is_absolute() or uri.endswith("/"):
        raise SettingsError(
            f"registry.uri: {uri} must name a file by its whole path, with four slashes: "
            "mlflow+sqlite:////folder/mlflow.db"
        )
    if "?" in uri:
        raise SettingsError(
            "registry.uri: the path of a SQLite file may hold no question mark; write %3F for it"
        )
    return SqliteFile(file)


def _server(uri: str) -> Server:
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise SettingsError(
            "registry.uri: give no user or password in it, since it is kept in logs and metadata; "
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment"
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            "registry.uri: an MLflow server is named as in mlflow+https://host:port"
        )
    return Server(uri.rstrip("/"))


def _kubeflow(uri: str, model_name: str) -> ChampionRegistry:
    """That registry keeps no files, so its URI says where they go."""
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise SettingsError(
            "registry.uri: give no user or password in it, since it is kept in logs and metadata; "
            f"{HOW}"
        )
    scheme, default_port = _KUBEFLOW[parts.scheme]
    name = unquote(parts.path).strip("/") or model_name
    try:
        address = f"{scheme}://{parts.hostname}:{parts.port or default_port}"
    except ValueError:
        address = ""
    if not parts.hostname or not address or parts.fragment or not _MODEL_NAME.fullmatch(name):
        raise SettingsError(
            f"registry.uri: a Kubeflow Model Registry is named as in {_KUBEFLOW_EXAMPLE}"
        )
    key, _, artifacts = parts.query.partition("=")
    if key != "artifacts":
        raise SettingsError(
            "registry.uri: a Kubeflow Model Registry keeps no files, so say where they go: add "
            f"?artifacts= and {model_files.SUPPORTED}"
        )
    files = model_files.check_address(unquote(artifacts))
    return ChampionRegistry(name, KubeflowStore(KubeflowService(address), files, name))
