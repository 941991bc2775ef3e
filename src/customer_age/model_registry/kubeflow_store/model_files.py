"""A model's files in a folder or an object store: the registry keeps none itself."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files import store
from customer_age.files.addresses import join

_SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""

_SPECIAL = set("?*[]#&")
"""Of a URI, or of patterns: of more than a folder's name."""

SUPPORTED = "s3://bucket/folder, gs://bucket/folder or file:///folder"


def check_address(address: str) -> str:
    """See that files can be kept under an address, as far as the address itself tells.

    Args:
        address: such as `s3://bucket/models`.

    Returns:
        The address, without a slash at its end.

    Raises:
        SettingsError: it is of no kind that is supported, or no whole path.
    """
    scheme, _, path = address.partition("://")
    path = path.rstrip("/")
    whole = path.startswith("/") if scheme == "file" else path and not path.startswith("/")
    if scheme not in (*store.EXTRAS, "file") or not whole or _SPECIAL & set(path):
        raise SettingsError(f"registry.uri: artifacts={address} must be {SUPPORTED}")
    if "@" in path.partition("/")[0]:
        raise SettingsError(
            "registry.uri: give no user or password in it, since it is kept in logs and metadata; "
            "object stores read their credentials from the environment"
        )
    return f"{scheme}://{path}"


def upload(folder: Path, address: str) -> None:
    """Put a SavedModel's files under an address, over what an upload that was killed left there.

    Raises:
        RunError: the store refuses.
        SettingsError: the store's client is not installed.
    """
    with _explained(address):
        store.copy_folder(str(folder), address)


def download(address: str, folder: Path) -> None:
    """Put the SavedModel under an address into an empty folder.

    Args:
        address: of the SavedModel, or of a folder above it, as servers have it: `1/`.
        folder: to write to.

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
    """Raise what a store complains of as a RunError."""
    try:
        yield
    except OSError as error:
        raise RunError(f"the model's files under {address}: {error.strerror or error}") from error
