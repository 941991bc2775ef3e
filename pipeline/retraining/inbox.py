"""The inbox: which batches are complete, when they came, and what is in them.

A look lists the inbox's sub-folders once, and opens only batches that the ledger does not know:
what it costs grows with what is new.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from customer_age.errors import RunError, SettingsError
from customer_age.files import store
from customer_age.files.store import Folder
from customer_age.labels.batches import BATCH_NAME, COMPLETE
from customer_age.labels.tables import SUFFIXES, LabelTable

from ..settings.settings import Settings
from .ledger.records import Batch, BatchState, Found

_TABLE = "photos"
"""What a batch's label table is called, without its suffix."""

_PROFILES = "cards."
"""What the profiles beside it begin with: the same photos may come with newer ones."""


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
        """When a batch's `_SUCCESS` was written; None where it is not there."""

    def digests(self, name: str) -> Mapping[str, str]:
        """Each file of a batch, and what stands for its content; hidden files are left out."""

    def folder(self, name: str) -> Folder:
        """A batch's folder."""


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        present: every sub-folder's name.
        found: complete batches that the ledger has to know of.
        incomplete: names of new batches without `_SUCCESS`.
        unreadable: name to complaint, of new batches that could not be read just now.
    """

    present: frozenset[str]
    found: tuple[Found, ...] = ()
    incomplete: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()


def open_inbox(settings: Settings) -> Inbox:
    """The inbox that the settings name.

    Raises:
        SettingsError: they name none, or one of a kind that there is no client for.
    """
    address = settings.data.inbox
    if address is None:
        raise SettingsError("data.inbox: no inbox given; it is the folder in which batches arrive")
    if "://" in address:
        # Brings a client with it, which takes seconds that a local folder need not wait for.
        from . import bucket_inboxes

        return bucket_inboxes.open_bucket(address, settings.beam.args)
    from .folder_inbox import FolderInbox

    return FolderInbox(address)


def look(inbox: Inbox, known: Iterable[Batch]) -> Look:
    """Look for batches that the ledger does not know, or that were offered again.

    Args:
        inbox: to look at.
        known: batches of the ledger.
    """
    names = inbox.names()
    states = {batch.name: batch for batch in known}
    unknown = [name for name in names if name not in states]
    again = [
        batch
        for name in names
        if (batch := states.get(name)) is not None and batch.state == BatchState.SET_ASIDE
    ]
    found: list[Found] = []
    incomplete: list[str] = []
    unreadable: list[tuple[str, str]] = []
    with ThreadPoolExecutor(store.at_once(inbox.address)) as pool:
        offered = pool.map(lambda batch: _offered_again(inbox, batch), again)
        for each in [*pool.map(lambda name: _new(inbox, name), unknown), *offered]:
            if isinstance(each, Found):
                found.append(each)
            elif isinstance(each, tuple):
                unreadable.append(each)
            elif isinstance(each, str):
                incomplete.append(each)
    return Look(frozenset(names), tuple(found), tuple(incomplete), tuple(unreadable))


def _new(inbox: Inbox, name: str) -> Found | str | tuple[str, str]:
    """A batch, or its name where it is incomplete, or its name and why it cannot be read now."""
    try:
        arrived = inbox.arrived(name)
        return name if arrived is None else _opened(inbox, name, arrived)
    except (OSError, RunError) as error:
        return name, _line(error)


def _offered_again(inbox: Inbox, batch: Batch) -> Found | tuple[str, str] | None:
    try:
        arrived = inbox.arrived(batch.name)
        if arrived is None or arrived <= batch.arrived_at:
            return None
        return _opened(inbox, batch.name, arrived)
    except (OSError, RunError) as error:
        return batch.name, _line(error)


def _opened(inbox: Inbox, name: str, arrived: datetime) -> Found:
    """Read a batch's table, and what stands for its photos.

    Raises:
        OSError: it cannot be read now.
        RunError: the same.
    """
    if not BATCH_NAME.fullmatch(name):
        problem = "its name may hold letters, digits and . _ = - alone; rename the folder"
        return Found(name, arrived, problem=problem)
    digests = inbox.digests(name)
    tables = [table for suffix in SUFFIXES if (table := f"{_TABLE}{suffix}") in digests]
    if len(tables) != 1:
        there = " and ".join(tables) or "no label table"
        return Found(name, arrived, problem=f"{there}; expected photos.csv, once")
    content = _content(digests)
    try:
        photos = sum(1 for _ in _rows(inbox.folder(name), tables[0]))
    except SettingsError as error:
        if _may_pass(error.__cause__):
            raise
        return Found(name, arrived, content=content, problem=_line(error))
    problem = "" if photos else f"{tables[0]}: no rows"
    return Found(name, arrived, photos, content, problem)


def _rows(folder: Folder, table: str) -> Iterator[object]:
    # No more is asked of the table here than that it is one: the run judges it.
    return LabelTable(folder, table, {}, {}, None, "").rows()


def _content(digests: Mapping[str, str]) -> str:
    """What stands for a batch's photos and their table: 64 hexadecimal digits."""
    lines = sorted(
        f"{name}\0{digest}"
        for name, digest in digests.items()
        if name != COMPLETE and not name.startswith(_PROFILES)
    )
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def _may_pass(cause: BaseException | None) -> bool:
    return isinstance(cause, OSError) and not isinstance(cause, gzip.BadGzipFile)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def moment(seconds: float) -> datetime:
    """A time of change, in seconds since 1970, as the ledger keeps it."""
    return datetime.fromtimestamp(seconds, timezone.utc)
