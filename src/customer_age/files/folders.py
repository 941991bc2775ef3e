"""Open a data folder, on this machine or in an object store."""

from pathlib import Path

from customer_age.errors import SettingsError

from . import store
from .addresses import DataAway, check_options, is_remote, local_path, plain
from .data_folder import Folder, LocalFolder, StoreFolder


def open_folder(address: str) -> Folder:
    """Open a data folder.

    Args:
        address: a path, or an address of an object store such as `gs://bucket/photos`.

    Raises:
        DataAway: there is no such folder here, or no way to read it.
        SettingsError: there is nothing in it.
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
        raise DataAway(f"data folder {address}: {error.strerror}") from error
    if not found:
        raise DataAway(f"data folder {address}: the folder does not exist")
    return folder


def open_if_there(address: str) -> Folder | None:
    """Open a folder that may be missing.

    Raises:
        SettingsError: it cannot be listed.
    """
    folder = reach(address)
    if isinstance(folder, LocalFolder):
        return folder if folder.root.is_dir() else None
    return folder if any(folder.files("")) else None


def reach(address: str) -> Folder:
    """Give a folder without a look into it, so that what else lies there costs nothing.

    Raises:
        SettingsError: there is no client for this kind of store.
    """
    if not is_remote(address):
        return LocalFolder(Path(local_path(address)))
    scheme = address.partition("://")[0]
    if scheme not in store.EXTRAS:
        raise DataAway(f"data folder {address}: no file system for {scheme}://")
    return StoreFolder(check_options(address).rstrip("/"))


def is_file(address: str) -> bool:
    """Whether there is a file or an object of this name, without listing what is beside it."""
    if not is_remote(address):
        return Path(local_path(address)).is_file()
    return store.exists(address)
