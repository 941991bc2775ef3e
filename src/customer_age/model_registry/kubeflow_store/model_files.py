"""Store a model's files in a folder or an object store, because the registry stores none."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files import store
from customer_age.files.addresses import join

_SAVED_MODEL = "saved_model.pb"
"""The file that identifies a folder as a SavedModel."""

_SPECIAL = set("?*[]#&")
"""Characters with a meaning in URIs or patterns, which a folder's name must not contain."""

SUPPORTED = "s3://bucket/folder, gs://bucket/folder or file:///folder"


def check_address(address: str) -> str:
    """Check the form of an address for files.

    Args:
        address: such as `s3://bucket/models`.

    Returns:
        The address, without a slash at its end.

    Raises:
        SettingsError: it is not supported, or not an absolute path.
    """
    scheme, _, path = address.partition("://")
    path = path.rstrip("/")
    whole = path.startswith("/") if scheme == "file" else path and not path.startswith("/")
    if scheme not in (*store.EXTRAS, "file") or not whole or _SPECIAL & set(path):
        raise SettingsError(f"registry.uri: artifacts={address} must be {SUPPORTED}")
    if "@" in path.partition("/")[0]:
        raise SettingsError(
            "registry.uri: must not contain a user or password, because it is kept in logs and "
            "metadata; object stores read their credentials from the environment"
        )
    return f"{scheme}://{path}"


def upload(folder: Path, address: str) -> None:
    """Upload a SavedModel's files to an address, and replace those of a killed upload.

    Raises:
        RunError: the store refuses.
        SettingsError: the store's client is not installed.
    """
    with _explained(address):
        store.copy_folder(str(folder), address)


def download(address: str, folder: Path) -> None:
    """Download the SavedModel at an address into an empty folder.

    Args:
        address: of the SavedModel, or of the folder above it, as in servers: `1/`.
        folder: the folder to write to.

    Raises:
        RunError: there is no SavedModel, or the store refuses.
        SettingsError: the store's client is not installed.
    """
    with _explained(address):
        parted = [entry.name.rpartition("/") for entry in store.list(address)]
        models = [inner for inner, _, name in parted if name == _SAVED_MODEL]
        if not models:
            raise RunError(f"{address}: there is no {_SAVED_MODEL} under this address")
        store.copy_folder(join(address, min(models, key=len)), str(folder))


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Convert a store's errors to RunError."""
    try:
        yield
    except OSError as error:
        raise RunError(f"the model's files under {address}: {error.strerror or error}") from error
