"""The inbox, in which batches arrive: a folder of this machine, or one of an object store."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from customer_age.errors import RunError, SettingsError
from customer_age.files import Folder, LocalFolder
from customer_age.labels import COMPLETE

from ..settings.settings import Settings

if TYPE_CHECKING:
    from customer_age.files.bucket_listing import BucketListing


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
        """Each file of a batch, and what stands for its content; hidden files are left out."""

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
    if "://" in address:
        return _open_bucket(address.rstrip("/"), settings.beam.args)
    return FolderInbox(address)


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

    def __init__(self, address: str, listing: "BucketListing"):
        self.address = address
        self._listing = listing
        _, _, path = address.partition("://")[2].partition("/")
        self._prefix = f"{path}/" if path else ""

    def names(self) -> list[str]:
        """See `Inbox`. A store has no folders, so there is always an inbox, if an empty one."""
        with _explained(self.address):
            folders = list(self._listing.folders(self._prefix))
        names = (folder.removeprefix(self._prefix).rstrip("/") for folder in folders)
        return sorted(name for name in names if name and not name.startswith(("_", ".")))

    def arrived(self, name: str) -> datetime | None:
        """See `Inbox`."""
        key = f"{self._prefix}{name}/{COMPLETE}"
        with _explained(self.address):
            found = (each.modified for each in self._listing.objects(key) if each.key == key)
            return next(found, None)

    def digests(self, name: str) -> Mapping[str, str]:
        """See `Inbox`."""
        prefix = f"{self._prefix}{name}/"
        with _explained(self.address):
            digests = {
                each.key.removeprefix(prefix): each.digest for each in self._listing.objects(prefix)
            }
        return {
            file: digest
            for file, digest in digests.items()
            # Stores list their zero-byte stand-ins for folders too.
            if file and not file.endswith("/") and not file.rpartition("/")[2].startswith(".")
        }

    def folder(self, name: str) -> Folder:
        """See `Inbox`."""
        from customer_age.files.object_stores import StoreFolder

        return StoreFolder(f"{self.address}/{name}")


def _open_bucket(address: str, beam_args: Sequence[str]) -> BucketInbox:
    # Brings a client with it, which takes seconds that a local folder need not wait for.
    from customer_age.files import bucket_listing

    if address.partition("://")[0] not in bucket_listing.SCHEMES:
        raise SettingsError(f"data.inbox: {address}: batches are read from s3:// and gs://")
    try:
        listing = bucket_listing.open_listing(address, beam_args)
    except SettingsError as error:
        raise SettingsError(f"data.inbox: {error}") from None
    return BucketInbox(address, listing)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Raise whatever a store complains of as one line; each store has exceptions of its own."""
    try:
        yield
    except Exception as error:
        message = " ".join(str(error).split())[:300]
        raise RunError(f"data.inbox: {address}: {message}") from error
