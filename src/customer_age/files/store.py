"""A data folder: what files it holds, listed once, and how to open them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from customer_age.errors import SettingsError

_ANSWERS_AWAITED = 32


class DataAway(SettingsError):
    """The data cannot be read from here; perhaps they can from elsewhere."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a data folder.

    Attributes:
        byte_size: bytes.
        modified_ns: nanoseconds since 1970.
        outside: it is a link to something that does not lie in the data folder.
    """

    byte_size: int
    modified_ns: int
    outside: bool = False


class Folder(Protocol):
    """Where a data set lies. Names are relative to it, with `/`; the empty name is itself."""

    def path(self, name: str) -> str:
        """The full path or address of a file or a sub-folder."""

    def has_file(self, name: str) -> bool:
        """Whether there is such a file."""

    def has_folder(self, name: str) -> bool:
        """Whether there is such a sub-folder."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, its bytes as they are."""

    def files(self, name: str) -> Iterator[tuple[str, ListedFile]]:
        """List a sub-folder and its sub-folders; hidden files are left out.

        Yields:
            The name relative to the data folder, and what is known of the file.
        """


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    root: Path

    def path(self, name: str) -> str:
        """See `Folder`."""
        return str(self.root / name)

    def has_file(self, name: str) -> bool:
        """See `Folder`."""
        return (self.root / name).is_file()

    def has_folder(self, name: str) -> bool:
        """See `Folder`."""
        return (self.root / name).is_dir()

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        return (self.root / name).open("rb")

    def files(self, name: str) -> Iterator[tuple[str, ListedFile]]:
        """See `Folder`. By name, a folder's own files first.

        Linked folders are left out: they can lead anywhere, and in circles.

        Raises:
            SettingsError: a folder cannot be listed.
        """
        # What the user linked into place as the photos' folder is meant to be read.
        bounds = (os.path.realpath(self.root), os.path.realpath(self.root / name))
        pending = [name]
        while pending:
            inner = pending.pop()
            folders = []
            try:
                with os.scandir(self.root / inner) as entries:
                    for entry in sorted(entries, key=lambda entry: entry.name):
                        path = f"{inner}/{entry.name}" if inner else entry.name
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(path)
                        elif (listed := _listed(entry, bounds)) is not None:
                            yield path, listed
            except OSError as error:
                raise SettingsError(
                    f"{self.root / inner}: cannot be listed: {error.strerror}"
                ) from error
            pending += reversed(folders)


def open_folder(address: str, beam_args: Sequence[str] = ()) -> Folder:
    """Open a data folder.

    Args:
        address: a path, or an address of an object store such as `gs://bucket/photos`.
        beam_args: Beam options, of which some say how an object store is reached.

    Raises:
        DataAway: there is no such folder here, or no way to read it.
        SettingsError: there is nothing in it.
    """
    if "://" in address:
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
    if "://" not in address:
        return LocalFolder(Path(address))
    from . import object_stores

    return object_stores.reach(address, beam_args)


def is_file(address: str, beam_args: Sequence[str] = ()) -> bool:
    """Whether there is a file or an object of this name, without listing what is beside it."""
    if "://" not in address:
        return Path(address).is_file()
    from apache_beam.io.filesystems import FileSystems

    reach(address, beam_args)  # tells Beam how to get there
    return bool(FileSystems.exists(address))


def at_once(address: str) -> int:
    """How many things are best asked of a place at the same time.

    A store takes its time to answer. A disk does not, and Python's threads would wait for each
    other: with as many, a look at 10,000 batches took three times as long.
    """
    return _ANSWERS_AWAITED if "://" in address else 1


def leads_out(file_name: str) -> bool:
    """Whether a name in a table would lead out of its folder."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or file_name[1:2] == ":"


def _listed(entry: os.DirEntry, bounds: tuple[str, ...]) -> ListedFile | None:
    outside = False
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        outside = all(os.path.commonpath([bound, target]) != bound for bound in bounds)
    if not outside and not entry.is_file():
        return None
    status = entry.stat(follow_symlinks=not outside)
    return ListedFile(status.st_size, status.st_mtime_ns, outside)
