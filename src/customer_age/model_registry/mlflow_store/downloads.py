"""Download a model's files from the location that MLflow records.

Neither an MLflow server nor its store is trusted: all listed names are checked before a file is
written.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from customer_age.errors import RunError
from customer_age.files import file_names, store

from .saved_model import SAVED_MODEL

if TYPE_CHECKING:
    from mlflow.entities import FileInfo

_DEEPEST = 16
"""The most levels of folders; a SavedModel has one."""


def download(source: str, tracking_uri: str, folder: Path) -> None:
    """Download the SavedModel of a version into an empty folder.

    Args:
        source: the URI of the version's files, as MLflow records it.
        tracking_uri: of the MLflow database or server.
        folder: the folder to write to.

    Raises:
        RunError: there is no SavedModel, or a file's name leads out of its folder.
        MlflowException: MLflow or the store fails.
    """
    from mlflow.artifacts import download_artifacts

    model = f"{source}/{SAVED_MODEL}"
    if (local := _local(model)) is not None:
        _copy(local, folder)
        return
    for name in _names(model, tracking_uri):
        if wrong := file_names.wrong_with(name):
            raise _misnamed(model, name, wrong)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        there = download_artifacts(artifact_uri=model, dst_path=scratch, tracking_uri=tracking_uri)
        for file in Path(there).iterdir():
            file.rename(folder / file.name)


def _local(uri: str) -> str | None:
    """Return the path that a URI names if it is on this machine, else None.

    Raises:
        RunError: it is not valid.
    """
    if uri.startswith("/"):
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise RunError(f"the model's files: {uri!r} is not a valid URI ({error})") from error
    return unquote(parts.path) if parts.scheme == "file" and not parts.netloc else None


def _copy(model: str, folder: Path) -> None:
    """Copy a folder on this machine. MLflow would follow links out of it."""
    try:
        copied = store.copy_folder(model, str(folder))
    except OSError as error:
        raise RunError(f"the model's files under {model}: {error.strerror or error}") from error
    if not copied:
        raise RunError(f"the model registry failed: there are no files under {model}")


def _names(model: str, tracking_uri: str) -> Iterator[str]:
    """Yield the names of all files and folders below a folder in MLflow.

    Raises:
        RunError: a name is not below the folder in which it is listed, or the folders are nested
            too deeply.
    """
    pending = [""]
    while pending:
        inner = pending.pop()
        if inner.count("/") >= _DEEPEST:
            raise RunError(
                f"the model's files under {model}: more than {_DEEPEST} levels of folders"
            )
        uri = f"{model}/{inner}".rstrip("/")
        # MLflow puts the folder's name, or its path in the version, in front of each file's name.
        above = (uri.rpartition("/")[2], f"{SAVED_MODEL}/{inner}".rstrip("/"))
        for each in _listed(uri, tracking_uri):
            found = next((one for one in above if each.path.startswith(f"{one}/")), None)
            if found is None:
                raise _misnamed(uri, each.path, file_names.LEADS_OUT)
            name = f"{inner}/{each.path[len(found) + 1 :]}".removeprefix("/")
            yield name
            if each.is_dir:
                pending.append(name)


def _listed(uri: str, tracking_uri: str) -> "list[FileInfo]":
    from mlflow.artifacts import list_artifacts
    from mlflow.exceptions import MlflowException

    try:
        return list(list_artifacts(artifact_uri=uri, tracking_uri=tracking_uri))
    except MlflowException as error:
        if "Invalid path" not in str(error):  # the message does not contain the name
            raise
        reason = "MLflow refuses a name among them, which may lead out of the folder"
        raise RunError(f"the model's files under {uri}: {reason}") from error


def _misnamed(uri: str, name: str, wrong: str) -> RunError:
    return RunError(f"the model's files under {uri}: the name {file_names.shown(name)} {wrong}")
