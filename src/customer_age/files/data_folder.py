"""A data folder on this machine or in an object store: list its files and open them."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, Protocol

from customer_age.errors import SettingsError

from . import local_files, store
from .addresses import DataUnavailable, join, plain
from .entries import Entry


class Folder(Protocol):
    """The location of a data set. Names are relative to it, with `/`; an empty name is itself."""

    def path(self, name: str) -> str:
        """Return the full path or address of a file or a sub-folder."""

    def shown(self, name: str) -> str:
        """Return the path or address for people, without the options that reach the store."""

    def has_file(self, name: str) -> bool:
        """Return whether there is a file of this name."""

    def has_folder(self, name: str) -> bool:
        """Return whether there is a sub-folder of this name."""

    def modified(self, name: str) -> datetime | None:
        """Return when a file was last written, with a time zone; None if it does not exist."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, its bytes as they are."""

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """List the files in a sub-folder at any depth; hidden files and folders are left out.

        Yields:
            The name relative to the data folder, and the file's entry.
        """


@dataclass(frozen=True)
class LocalFolder:
    """A folder on this machine."""

    root: Path

    def path(self, name: str) -> str:
        """Return the full path or address of a file or a sub-folder."""
        return str(self.root / name)

    def shown(self, name: str) -> str:
        """Return the path or address for people, without options."""
        return self.path(name)

    def has_file(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return (self.root / name).is_file()

    def has_folder(self, name: str) -> bool:
        """Return whether there is a sub-folder of this name."""
        return (self.root / name).is_dir()

    def modified(self, name: str) -> datetime | None:
        """Return when a file was last written.

        Raises:
            SettingsError: the file's status cannot be read.
        """
        try:
            written = (self.root / name).stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SettingsError(f"{self.path(name)}: {error.strerror}") from error
        return datetime.fromtimestamp(written, timezone.utc)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, its bytes as they are."""
        return (self.root / name).open("rb")

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """List the files sorted by name, a folder's own files first, without linked folders.

        Raises:
            SettingsError: a folder cannot be listed.
        """
        # The photos' folder itself may be a link that the user made, and must be read.
        listed = self.root / name
        try:
            for entry in local_files.entries(str(listed), True, str(self.root), hidden=False):
                full = f"{name}/{entry.name}" if name else entry.name
                yield full, dataclasses.replace(entry, name=full)
        except OSError as error:
            path = error.filename or listed
            raise SettingsError(f"{path}: cannot be listed: {error.strerror}") from error


class StoreFolder:
    """A prefix of a bucket, listed once, when it is first needed.

    A copy in another process lists it again: a Beam graph must not grow with the photos.
    """

    def __init__(self, address: str):
        self.address = address
        self._listed: dict[str, Entry] | None = None

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return StoreFolder, (self.address,)

    def path(self, name: str) -> str:
        """Return the full path or address of a file or a sub-folder."""
        return join(self.address, name) if name else self.address

    def shown(self, name: str) -> str:
        """Return the path or address for people, without options."""
        return plain(self.path(name))

    def has_file(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        return name in self._listing()

    def has_folder(self, name: str) -> bool:
        """Return whether a name starts with the sub-folder's: a store has no real folders."""
        return any(file.startswith(f"{name}/") for file in self._listing())

    def modified(self, name: str) -> datetime | None:
        """Return when a file was last written.

        Raises:
            DataUnavailable: it cannot be listed.
        """
        entry = self._listing().get(name)
        if entry is None:
            return None
        return datetime.fromtimestamp(entry.modified_ns / 10**9, timezone.utc)

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, its bytes as they are."""
        return store.open(self.path(name))

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """List the files in a sub-folder at any depth.

        Raises:
            DataUnavailable: it cannot be listed.
        """
        for file, listed in self._listing().items():
            if not name or file.startswith(f"{name}/"):
                yield file, listed

    def _listing(self) -> dict[str, Entry]:
        # Two threads that need the listing at the same time may both read it.
        if self._listed is None:
            try:
                self._listed = {
                    entry.name: entry
                    for entry in store.list(self.address)
                    if not any(part.startswith(".") for part in entry.name.split("/"))
                }
            except OSError as error:
                reason = error.strerror or error
                raise DataUnavailable(f"data folder {plain(self.address)}: {reason}") from error
        return self._listed
