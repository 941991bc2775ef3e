"""Scans an inbox: which batches are complete, when they arrived, and what they contain.

A scan lists the inbox's sub-folders once. It opens only batches that are not in the ledger or that
were uploaded again, so its cost grows with the number of new batches only.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from customer_age.errors import RunError, SettingsError
from customer_age.files import Folder, addresses
from customer_age.labels import COMPLETE
from customer_age.labels.tables import SUFFIXES, LabelTable
from customer_age.labels.tables.table_names import not_read, workbooks_named
from customer_age.schema.batch_names import BATCH_NAME

from .inbox import Inbox
from .ledger.records import Batch, BatchState, FoundBatch

_TABLE = "photos"
"""The name of a batch's label table, without its suffix."""

_PROFILES = "cards."
"""Prefix of the profiles next to the table: the same photos may come with newer profiles."""

_LEARNT_WATCHED = 50
"""How many of the newest trained batches are checked for another upload: each check of the trigger
sends one request to the store for each of them."""


@dataclass(frozen=True)
class InboxScan:
    """The result of a scan.

    Attributes:
        present: the names of all sub-folders.
        found: complete batches to enter into the ledger.
        incomplete: names of new batches without `_SUCCESS`.
        unreadable: name and error of each batch that cannot be read now.
        uploaded_again: complete batches that are in the ledger, but with another upload.
    """

    present: frozenset[str]
    found: tuple[FoundBatch, ...] = ()
    incomplete: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    uploaded_again: tuple[FoundBatch, ...] = ()


def scan(inbox: Inbox, known: Iterable[Batch]) -> InboxScan:
    """Find batches that are not in the ledger, or that were offered or uploaded again.

    Args:
        inbox: the inbox to scan.
        known: the batches of the ledger, by arrival.

    Raises:
        SettingsError: the inbox does not exist.
        RunError: the inbox cannot be listed.
    """
    names = inbox.names()
    by_name = {batch.name: batch for batch in known}
    unknown = [name for name in names if name not in by_name]
    set_aside = [
        batch
        for name in names
        if (batch := by_name.get(name)) is not None and batch.state == BatchState.SET_ASIDE
    ]
    present = frozenset(names)
    watched = _watched(batch for name, batch in by_name.items() if name in present)
    found: list[FoundBatch] = []
    incomplete: list[str] = []
    unreadable: list[tuple[str, str]] = []
    with ThreadPoolExecutor(addresses.at_once(inbox.address)) as pool:
        offered = pool.map(lambda batch: _offered_again(inbox, batch, by_name), set_aside)
        again = list(pool.map(lambda batch: _uploaded_again(inbox, batch), watched))
        for each in [*pool.map(lambda name: _new(inbox, name), unknown), *offered]:
            if isinstance(each, FoundBatch):
                found.append(each)
            elif isinstance(each, tuple):
                unreadable.append(each)
            elif isinstance(each, str):
                incomplete.append(each)
    unreadable += [each for each in again if isinstance(each, tuple)]
    return InboxScan(
        present,
        tuple(found),
        tuple(incomplete),
        tuple(unreadable),
        tuple(each for each in again if isinstance(each, FoundBatch)),
    )


def _watched(present: Iterable[Batch]) -> list[Batch]:
    """Return the batches whose `_SUCCESS` is checked; a batch in a run only after the run's end."""
    batches = list(present)
    learnt = [batch for batch in batches if batch.state == BatchState.LEARNT]
    waiting = [batch for batch in batches if batch.state == BatchState.WAITING]
    return waiting + learnt[-_LEARNT_WATCHED:]


def _new(inbox: Inbox, name: str) -> FoundBatch | str | tuple[str, str]:
    """Return a batch, or its name if incomplete, or its name and why it cannot be read now."""
    try:
        arrived = inbox.arrived(name)
        return name if arrived is None else _read(inbox, name, arrived)
    except (OSError, RunError) as error:
        return name, _line(error)


def _uploaded_again(inbox: Inbox, batch: Batch) -> FoundBatch | tuple[str, str] | None:
    """Return a batch whose upload is not in the ledger; read it only if the upload may be new."""
    try:
        arrived = inbox.arrived(batch.name)
        if arrived is None:
            return None
        place, last = _place(inbox), batch.upload
        if last is None and arrived <= batch.arrived_at:  # release 0.1 entered it, from anywhere
            same = arrived == batch.arrived_at
            content = batch.content or ""
            return FoundBatch(batch.name, arrived, content=content, place=place) if same else None
        if last is not None and last.place == place and arrived == last.arrived:
            return None
        return _read(inbox, batch.name, arrived)
    except (OSError, RunError) as error:
        return batch.name, _line(error)


def _place(inbox: Inbox) -> str:
    """Return what computed an inbox's digests: a bucket by its own method, a folder by SHA-256."""
    address = inbox.address
    return addresses.plain(address) if addresses.is_remote(address) else "sha256"


def _offered_again(
    inbox: Inbox, batch: Batch, known: Mapping[str, Batch]
) -> FoundBatch | tuple[str, str] | None:
    try:
        arrived = inbox.arrived(batch.name)
        if arrived is None:
            return None
        last = batch.upload
        if arrived <= batch.arrived_at and (last is None or arrived == last.arrived):
            return None
        found = _read(inbox, batch.name, arrived)
        original = known.get(batch.same_as or "")
        return found if original is None else _still_a_copy(inbox, found, original)
    except (OSError, RunError) as error:
        return batch.name, _line(error)


def _still_a_copy(inbox: Inbox, found: FoundBatch, original: Batch) -> FoundBatch:
    """Give a batch the content of its original if it is still a copy of it.

    In an inbox that was copied to another kind of store, the digests of both differ from those in
    the ledger.
    """
    if original.state == BatchState.SET_ASIDE or original.content is None:
        return found  # the original itself may be offered again
    same = found.content == _content(inbox.digests(original.name))
    return replace(found, content=original.content) if same else found


def _read(inbox: Inbox, name: str, arrived: datetime) -> FoundBatch:
    """Read a batch's table and the digests of its photos, and add what computed the digests."""
    return replace(_judged(inbox, name, arrived), place=_place(inbox))


def _judged(inbox: Inbox, name: str, arrived: datetime) -> FoundBatch:
    """Read a batch's table and the digests of its photos.

    Raises:
        OSError: the batch cannot be read now.
        RunError: the batch cannot be read now.
    """
    if not BATCH_NAME.fullmatch(name):
        problem = "its name may contain only letters, digits and . _ = -; rename the folder"
        return FoundBatch(name, arrived, problem=problem)
    digests = inbox.digests(name)
    tables = [table for suffix in SUFFIXES if (table := f"{_TABLE}{suffix}") in digests]
    workbooks = workbooks_named(_TABLE, digests.__contains__)
    if len(tables) != 1 or workbooks:
        listed = " and ".join([*tables, *workbooks]) or "no label table"
        unread = f"; {not_read(workbooks[0])}" if workbooks else ""
        return FoundBatch(name, arrived, problem=f"{listed}; expected photos.csv, once{unread}")
    content = _content(digests)
    try:
        photos = sum(1 for _ in _rows(inbox.folder(name), tables[0]))
    except SettingsError as error:
        if _may_pass(error.__cause__):
            raise
        return FoundBatch(name, arrived, content=content, problem=_line(error))
    problem = "" if photos else f"{tables[0]}: no rows"
    return FoundBatch(name, arrived, photos, content, problem)


def _rows(folder: Folder, table: str) -> Iterator[object]:
    # Here the table must only be readable: the run checks its rows.
    return LabelTable(folder, table, {}, {}, None, "").rows()


def _content(digests: Mapping[str, str]) -> str:
    """Return the digest of a batch's photos and their table: 64 hexadecimal digits."""
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
