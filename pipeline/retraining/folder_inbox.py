"""An inbox that is a folder of this machine."""

import hashlib
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from customer_age.errors import RunError, SettingsError
from customer_age.files.store import Folder, LocalFolder
from customer_age.labels.batches import COMPLETE

from .inbox import moment


class FolderInbox:
    """See `Inbox`."""

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
            return moment((self._path / name / COMPLETE).stat().st_mtime)
        except FileNotFoundError:
            return None

    def digests(self, name: str) -> Mapping[str, str]:
        """See `Inbox`. Links that lead out of the batch are told, and not followed."""
        folder = LocalFolder(self._path / name)
        return {
            file: "outside" if listed.outside else _digest(self._path / name / file)
            for file, listed in folder.files("")
        }

    def folder(self, name: str) -> Folder:
        """See `Inbox`."""
        return LocalFolder(self._path / name)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
