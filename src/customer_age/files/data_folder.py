"""A data folder: what files it holds, and how to open them; here or anywhere."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, Protocol

from customer_age.errors import SettingsError

from . import local_files, store
from .addresses import DataAway, join, plain
from .entries import Entry


class Folder(Protocol):
    """Where a data set lies. Names are relative to it, with `/`; the empty name is itself."""

    def path(self, name: str) -> str:
        """The full path or address of a file or a sub-folder."""

    def shown(self, name: str) -> str:
        """The same for people: without what says how the store is reached."""

    def has_file(self, name: str) -> bool:
        """Whether there is such a file."""

    def has_folder(self, name: str) -> bool:
        """Whether there is such a sub-folder."""

    def modified(self, name: str) -> datetime | None:
        """When a file was last written, with a time zone; None where there is no such file."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, its bytes as they are."""

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """List a sub-folder and its sub-folders; hidden files and folders are left out.

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

    def shown(self, name: str) -> str:
        """See `Folder`."""
        return self.path(name)

    def has_file(self, name: str) -> bool:
        """See `Folder`."""
        return (self.root / name).is_file()

    def has_folder(self, name: str) -> bool:
        """See `Folder`."""
        return (self.root / name).is_dir()

    def modified(self, name: str) -> datetime | None:
        """See `Folder`.

        Raises:
            SettingsError: the file cannot be looked at.
        """
        try:
            written = (self.root / name).stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SettingsError(f"{self.path(name)}: {error.strerror}") from error
        return datetime.fromtimestamp(written, timezone.utc)

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        return (self.root / name).open("rb")

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """See `Folder`. By name, a folder's own files first, and without linked folders.

        Raises:
            SettingsError: a folder cannot be listed.
        """
        # What the user linked into place as the photos' folder is meant to be read.
        listed = self.root / name
        try:
            for entry in local_files.entries(str(listed), True, str(self.root), hidden=False):
                full = f"{name}/{entry.name}" if name else entry.name
                yield full, dataclasses.replace(entry, name=full)
        except OSError as error:
            where = error.filename or listed
            raise SettingsError(f"{where}: cannot be listed: {error.strerror}") from error


class StoreFolder:
    """A prefix of a bucket, listed once, at the first question.

    A copy for another process lists again: a Beam graph must not grow with the photos.
    """

    def __init__(self, address: str):
        self.address = address
        self._listed: dict[str, Entry] | None = None

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return StoreFolder, (self.address,)

    def path(self, name: str) -> str:
        """See `Folder`."""
        return join(self.address, name) if name else self.address

    def shown(self, name: str) -> str:
        """See `Folder`."""
        return plain(self.path(name))

    def has_file(self, name: str) -> bool:
        """See `Folder`."""
        return name in self._listing()

    def has_folder(self, name: str) -> bool:
        """See `Folder`; a store has no folders, only names with a common beginning."""
        return any(file.startswith(f"{name}/") for file in self._listing())

    def modified(self, name: str) -> datetime | None:
        """See `Folder`.

        Raises:
            DataAway: it cannot be listed.
        """
        entry = self._listing().get(name)
        if entry is None:
            return None
        return datetime.fromtimestamp(entry.modified_ns / 10**9, timezone.utc)

    def open(self, name: str) -> BinaryIO:
        """See `Folder`."""
        return store.open(self.path(name))

    def files(self, name: str) -> Iterator[tuple[str, Entry]]:
        """See `Folder`.

        Raises:
            DataAway: it cannot be listed.
        """
        for file, listed in self._listing().items():
            if not name or file.startswith(f"{name}/"):
                yield file, listed

    def _listing(self) -> dict[str, Entry]:
        # Two threads that ask at the same time may both list it.
        if self._listed is None:
            try:
                self._listed = {
                    entry.name: entry
                    for entry in store.list(self.address)
                    if not any(part.startswith(".") for part in entry.name.split("/"))
                }
            except OSError as error:
                reason = error.strerror or error
                raise DataAway(f"data folder {plain(self.address)}: {reason}") from error
        return self._listed
