"""Open a data folder, on this machine or in an object store."""

from pathlib import Path

from customer_age.errors import SettingsError

from . import store
from .addresses import DataUnavailable, check_options, is_remote, local_path, plain
from .data_folder import Folder, LocalFolder, StoreFolder


def open_folder(address: str) -> Folder:
    """Open a data folder.

    Args:
        address: a path, or an address in an object store, such as `gs://bucket/photos`.

    Raises:
        DataUnavailable: the folder does not exist, or cannot be read from here.
        SettingsError: it is empty.
    """
    folder = reach(address)
    if isinstance(folder, StoreFolder):
        if not any(folder.files("")):
            raise SettingsError(
                f"data folder {plain(address)}: there is nothing under this address"
            )
        return folder
    try:
        found = Path(folder.path("")).is_dir()
    except OSError as error:
        raise DataUnavailable(f"data folder {address}: {error.strerror}") from error
    if not found:
        raise DataUnavailable(f"data folder {address}: the folder does not exist")
    return folder


def open_if_there(address: str) -> Folder | None:
    """Open a folder, or return None if it is missing.

    Raises:
        SettingsError: it cannot be listed.
    """
    folder = reach(address)
    if isinstance(folder, LocalFolder):
        return folder if folder.root.is_dir() else None
    return folder if any(folder.files("")) else None


def reach(address: str) -> Folder:
    """Return a folder without reading it, so that its other files cost no time.

    Raises:
        SettingsError: there is no client for this kind of store.
    """
    if not is_remote(address):
        return LocalFolder(Path(local_path(address)))
    scheme = address.partition("://")[0]
    if scheme not in store.EXTRAS:
        raise DataUnavailable(
            f"data folder {address}: {scheme}:// is not supported; use s3:// or gs://"
        )
    return StoreFolder(check_options(address).rstrip("/"))


def is_file(address: str) -> bool:
    """Return whether a file or an object exists, without listing its folder."""
    if not is_remote(address):
        return Path(local_path(address)).is_file()
    return store.exists(address)
