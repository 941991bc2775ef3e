"""The inbox, in which batches arrive: a folder on this machine or in an object store."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from customer_age.errors import RunError, SettingsError
from customer_age.files import DataUnavailable, Folder, LocalFolder, store
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
        address: a path, or a URL in an object store.
    """

    address: str

    def names(self) -> list[str]:
        """Return the names of the sub-folders, except hidden ones and those that begin with `_`.

        Raises:
            SettingsError: the inbox does not exist.
            RunError: the inbox cannot be listed.
        """

    def arrived(self, name: str) -> datetime | None:
        """Return when a batch's `_SUCCESS` was written, with a time zone; None if it is missing."""

    def digests(self, name: str) -> Mapping[str, str]:
        """Return each file of a batch and the digest of its content, without hidden files."""

    def folder(self, name: str) -> Folder:
        """Return a batch's folder."""


def open_inbox(settings: Settings) -> Inbox:
    """Open the inbox that the settings name.

    Raises:
        SettingsError: the settings name no inbox, or there is no client for its kind of store.
    """
    address = settings.data.inbox
    if address is None:
        raise SettingsError("data.inbox: not set; set it to the folder in which batches arrive")
    if is_remote(address):
        return _open_bucket(address.rstrip("/"), settings.beam.args)
    return FolderInbox(local_path(address))


class FolderInbox:
    """An inbox on this machine; implements `Inbox`."""

    def __init__(self, path: str):
        self.address = path
        self._path = Path(path)

    def names(self) -> list[str]:
        """Return the names of the sub-folders."""
        try:
            with os.scandir(self._path) as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(("_", ".")) and entry.is_dir()
                )
        except FileNotFoundError:
            raise SettingsError(f"data.inbox: {self._path}: this folder does not exist") from None
        except OSError as error:
            raise RunError(f"data.inbox: {self._path}: {error.strerror}") from error

    def arrived(self, name: str) -> datetime | None:
        """Return when a batch's `_SUCCESS` was last modified, or None."""
        try:
            modified = (self._path / name / COMPLETE).stat().st_mtime
        except FileNotFoundError:
            return None
        return datetime.fromtimestamp(modified, timezone.utc)

    def digests(self, name: str) -> Mapping[str, str]:
        """Return each file's SHA-256; `outside` for a link out of the batch, never followed."""
        folder = LocalFolder(self._path / name)
        return {
            file: "outside" if listed.outside else _digest(self._path / name / file)
            for file, listed in folder.files("")
        }

    def folder(self, name: str) -> Folder:
        """Return a batch's folder."""
        return LocalFolder(self._path / name)


class BucketInbox:
    """An inbox in an object store; implements `Inbox`."""

    def __init__(self, address: str):
        self.address = address

    def names(self) -> list[str]:
        """Return the sub-folders' names; a store has no folders, so a missing inbox is empty."""
        with _explained(self.address):
            return sorted(
                entry.name
                for entry in store.list(self.address, deep=False)
                if entry.is_folder and not entry.name.startswith(("_", "."))
            )

    def arrived(self, name: str) -> datetime | None:
        """Return when the store last modified a batch's `_SUCCESS`, or None."""
        with _explained(self.address):
            for entry in store.list(join(self.address, name), deep=False):
                if entry.name == COMPLETE:
                    return datetime.fromtimestamp(entry.modified_ns / 10**9, timezone.utc)
        return None

    def digests(self, name: str) -> Mapping[str, str]:
        """Return each file's digest as the store reports it."""
        with _explained(self.address):
            return {
                entry.name: entry.digest
                for entry in store.list(join(self.address, name))
                if not entry.name.rpartition("/")[2].startswith(".")
            }

    def folder(self, name: str) -> Folder:
        """Return a batch's folder."""
        return reach(join(self.address, name))


def _open_bucket(address: str, beam_args: Sequence[str]) -> BucketInbox:
    return BucketInbox(reached_by(check_options(address), beam_args))


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise a store's errors as a RunError, or as a SettingsError if the data are not available."""
    try:
        yield
    except DataUnavailable as error:
        raise SettingsError(f"data.inbox: {error}") from error
    except OSError as error:
        raise RunError(f"data.inbox: {plain(address)}: {error.strerror or error}") from error
