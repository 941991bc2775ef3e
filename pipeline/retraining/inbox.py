"""The inbox, in which batches arrive: a folder of this machine, or one of an object store."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataAway, Folder, LocalFolder, store
from customer_age.files.addresses import (
    check_options,
    is_remote,
    join,
    local_path,
    plain,
    reached_by,
)
from customer_age.files.folders import reach
from customer_age.labels import COMPLETE

from ..settings.settings import Settings


class Inbox(Protocol):
    """A folder of batches.

    Attributes:
        address: a path, or an address in an object store.
    """

    address: str

    def names(self) -> list[str]:
        """The sub-folders' names, hidden ones and those that begin with `_` left out.

        Raises:
            SettingsError: there is no such inbox.
            RunError: it cannot be listed.
        """

    def arrived(self, name: str) -> datetime | None:
        """When a batch's `_SUCCESS` was written, with a time zone; None where it is not there."""

    def digests(self, name: str) -> Mapping[str, str]:
        """Return each file of a batch with a digest of its content; hidden files are left out."""

    def folder(self, name: str) -> Folder:
        """A batch's folder."""


def open_inbox(settings: Settings) -> Inbox:
    """The inbox that the settings name.

    Raises:
        SettingsError: they name none, or one of a kind that there is no client for.
    """
    address = settings.data.inbox
    if address is None:
        raise SettingsError("data.inbox: no inbox given; it is the folder in which batches arrive")
    if is_remote(address):
        return _open_bucket(address.rstrip("/"), settings.beam.args)
    return FolderInbox(local_path(address))


class FolderInbox:
    """An inbox on this machine; see `Inbox`."""

    def __init__(self, path: str):
        self.address = path
        self._path = Path(path)

    def names(self) -> list[str]:
        """See `Inbox`."""
        try:
            with os.scandir(self._path) as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(("_", ".")) and entry.is_dir()
                )
        except FileNotFoundError:
            raise SettingsError(f"data.inbox: {self._path}: there is no such folder") from None
        except OSError as error:
            raise RunError(f"data.inbox: {self._path}: {error.strerror}") from error

    def arrived(self, name: str) -> datetime | None:
        """See `Inbox`."""
        try:
            modified = (self._path / name / COMPLETE).stat().st_mtime
        except FileNotFoundError:
            return None
        return datetime.fromtimestamp(modified, timezone.utc)

    def digests(self, name: str) -> Mapping[str, str]:
        """See `Inbox`. A link that leads out of the batch is `outside`, and is not followed."""
        folder = LocalFolder(self._path / name)
        return {
            file: "outside" if listed.outside else _digest(self._path / name / file)
            for file, listed in folder.files("")
        }

    def folder(self, name: str) -> Folder:
        """See `Inbox`."""
        return LocalFolder(self._path / name)


class BucketInbox:
    """An inbox in an object store; see `Inbox`."""

    def __init__(self, address: str):
        self.address = address

    def names(self) -> list[str]:
        """See `Inbox`. A store has no folders, so there is always an inbox, if an empty one."""
        with _explained(self.address):
            return sorted(
                entry.name
                for entry in store.list(self.address, deep=False)
                if entry.is_folder and not entry.name.startswith(("_", "."))
            )

    def arrived(self, name: str) -> datetime | None:
        """See `Inbox`."""
        with _explained(self.address):
            for entry in store.list(join(self.address, name), deep=False):
                if entry.name == COMPLETE:
                    return datetime.fromtimestamp(entry.modified_ns / 10**9, timezone.utc)
        return None

    def digests(self, name: str) -> Mapping[str, str]:
        """See `Inbox`."""
        with _explained(self.address):
            return {
                entry.name: entry.digest
                for entry in store.list(join(self.address, name))
                if not entry.name.rpartition("/")[2].startswith(".")
            }

    def folder(self, name: str) -> Folder:
        """See `Inbox`."""
        return reach(join(self.address, name))


def _open_bucket(address: str, beam_args: Sequence[str]) -> BucketInbox:
    return BucketInbox(reached_by(check_options(address), beam_args))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise what a store complains of as a RunError."""
    try:
        yield
    except DataAway as error:
        raise SettingsError(f"data.inbox: {error}") from error
    except OSError as error:
        raise RunError(f"data.inbox: {plain(address)}: {error.strerror or error}") from error
