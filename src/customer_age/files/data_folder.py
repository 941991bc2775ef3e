"""A data folder: what files it holds, and how to open them; here or anywhere."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from customer_age.errors import SettingsError


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


def _listed(entry: os.DirEntry, bounds: tuple[str, ...]) -> ListedFile | None:
    outside = False
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        outside = all(os.path.commonpath([bound, target]) != bound for bound in bounds)
    if not outside and not entry.is_file():
        return None
    status = entry.stat(follow_symlinks=not outside)
    return ListedFile(status.st_size, status.st_mtime_ns, outside)
