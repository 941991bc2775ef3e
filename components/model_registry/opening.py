"""From a registry's URI to the registry."""

from pathlib import Path
from urllib.parse import urlsplit

from customer_age.components.errors import SettingsError
from customer_age.components.model_registry.champions import ChampionRegistry
from customer_age.components.model_registry.mlflow_places import Server, SqliteFile
from customer_age.components.model_registry.mlflow_store import MlflowStore
from customer_age.components.model_registry.registry import ModelRegistry
from customer_age.components.model_registry.vertex_place import AS_IN, VertexPlace
from customer_age.components.model_registry.vertex_store import VertexStore

_SUPPORTED = (
    "mlflow+sqlite:////folder/mlflow.db, mlflow+http://host:port, mlflow+https://host:port and "
    f"{AS_IN}"
)


def open_registry(uri: str, model_name: str) -> ModelRegistry:
    """Open a model registry.

    Nothing is imported, made or asked before it is used, so a wrong URI is told at once.

    Args:
        uri: such as `mlflow+sqlite:////work/registry/mlflow.db`.
        model_name: under which versions are kept.

    Raises:
        SettingsError: the URI is of no kind that is supported, or holds a password.
    """
    scheme, _, rest = uri.partition("://")
    if scheme == "mlflow+sqlite":
        return ChampionRegistry(model_name, MlflowStore(_sqlite_file(rest), model_name))
    if scheme in ("mlflow+http", "mlflow+https"):
        server = _server(uri.removeprefix("mlflow+"))
        return ChampionRegistry(model_name, MlflowStore(server, model_name))
    if scheme == "vertex":
        place = VertexPlace.of(uri, model_name)
        return ChampionRegistry(place.model, VertexStore(place))
    kind = repr(scheme) if rest else "what is given"
    raise SettingsError(f"registry.uri: {kind} is no kind of registry; there are {_SUPPORTED}")


def _sqlite_file(path: str) -> SqliteFile:
    """A URI has a slash before the path, and an absolute path starts with its own."""
    file = Path(path.removeprefix("/"))
    if not file.is_absolute() or path.endswith("/"):
        raise SettingsError(
            f"registry.uri: mlflow+sqlite://{path} must name a file by its whole path, with four "
            "slashes: mlflow+sqlite:////folder/mlflow.db"
        )
    if "?" in path:
        raise SettingsError("registry.uri: the path of a SQLite file may hold no question mark")
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
