"""Open a data folder, on this machine or in an object store."""

from collections.abc import Sequence
from pathlib import Path

from .addresses import DataAway, is_remote
from .data_folder import Folder, LocalFolder


def open_folder(address: str, beam_args: Sequence[str] = ()) -> Folder:
    """Open a data folder.

    Args:
        address: a path, or an address of an object store such as `gs://bucket/photos`.
        beam_args: Beam options, of which some say how an object store is reached.

    Raises:
        DataAway: there is no such folder here, or no way to read it.
        SettingsError: there is nothing in it.
    """
    if is_remote(address):
        # Brings Beam with it, which takes seconds that a local folder need not wait for.
        from . import object_stores

        return object_stores.open_folder(address, beam_args)
    try:
        found = Path(address).is_dir()
    except OSError as error:
        raise DataAway(f"data folder {address}: {error.strerror}") from error
    if not found:
        raise DataAway(f"data folder {address}: there is no such folder")
    return LocalFolder(Path(address))


def open_if_there(address: str, beam_args: Sequence[str] = ()) -> Folder | None:
    """Open a folder that may be missing.

    Raises:
        SettingsError: it cannot be listed.
    """
    folder = reach(address, beam_args)
    if isinstance(folder, LocalFolder):
        return folder if folder.root.is_dir() else None
    return folder if any(folder.files("")) else None


def reach(address: str, beam_args: Sequence[str] = ()) -> Folder:
    """Give a folder without a look into it, so that what else lies there costs nothing.

    Raises:
        SettingsError: there is no client for this kind of store.
    """
    if not is_remote(address):
        return LocalFolder(Path(address))
    from . import object_stores

    return object_stores.reach(address, beam_args)


def is_file(address: str, beam_args: Sequence[str] = ()) -> bool:
    """Whether there is a file or an object of this name, without listing what is beside it."""
    if not is_remote(address):
        return Path(address).is_file()
    from apache_beam.io.filesystems import FileSystems

    reach(address, beam_args)  # tells Beam how to get there
    return bool(FileSystems.exists(address))
