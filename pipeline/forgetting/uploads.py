"""Erases from uploads: the batches of an inbox, the tables next to them, and the base set."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from customer_age.errors import RunError
from customer_age.files import Folder, addresses, file_names, folders, store
from customer_age.labels import LabelTable, data_set, layouts, pseudonyms
from customer_age.labels.cards.ages import day_of
from customer_age.labels.cards.card_numbers import without_card
from customer_age.labels.photo_lookup import PhotoLookup
from customer_age.labels.tables.table_names import not_read, workbooks_named
from customer_age.schema.batch_names import BATCH_NAME
from customer_age.schema.refusals import Reason

from ..settings.data import DataSettings
from .subject import Subject
from .traces import Traces


@dataclass(frozen=True)
class Rows:
    """Rows of one table to erase.

    Attributes:
        table: the table with the rows.
        lines: the numbers of the rows' last lines.
        photos: the paths of their photos.
        batch: the batch of the table, or empty.
        traces: names of each photo, as in its example or its refusal.
        malformed: a sentence for each row whose person cannot be read.
    """

    table: LabelTable
    lines: frozenset[int]
    photos: tuple[str, ...] = ()
    batch: str = ""
    traces: Traces = Traces()
    malformed: tuple[str, ...] = ()

    def erase_photos(self) -> None:
        """Delete the photos; a photo that is already deleted is not an error."""
        for photo in self.photos:
            store.delete(photo)

    def erase_rows(self) -> None:
        """Rewrite the table without the rows, completely or not at all."""
        store.write_whole(self.table.folder.path(self.table.name), self.table.without(self.lines))


def find(data: DataSettings, subject: Subject, key: str) -> tuple[list[Rows], list[str]]:
    """Find the rows and photos of a subject in uploads.

    Args:
        data: the settings of the inbox, the base set and the tables' columns.
        subject: the subject to forget.
        key: the persons' key.

    Returns:
        The rows, and a sentence for each table that cannot be read: a person must not be reported
        as forgotten while a table was not searched.

    Raises:
        SettingsError: the inbox or the base set cannot be listed.
    """
    found: list[Rows] = []
    unread = list(_workbooks(data))
    for table, batch in _tables(data, subject):
        try:
            rows = _rows(table, batch, subject, key)
        except RunError as error:
            unread.append(str(error))
            continue
        unread += rows.malformed
        if rows.lines:
            found.append(rows)
    return found, unread


def _tables(data: DataSettings, subject: Subject) -> Iterator[tuple[LabelTable, str]]:
    """Yield each table that may name the subject, and the table's batch."""
    if data.inbox:
        root = folders.open_if_there(data.inbox)
        names = _batches(root) if root is not None else []
        for batch in names:
            folder = folders.reach(addresses.join(data.inbox, batch))
            yield from _of_upload(folder, batch, data.columns, subject)
        if root is not None and subject.owns_profiles():
            cards = layouts.cards_beside(root, data.columns)
            if cards is not None:
                yield cards, ""
    if data.path:
        yield from _of_base(data, subject)


def _batches(root: Folder) -> list[str]:
    """Return the names of all sub-folders that may be batches, complete or not."""
    names = {name.partition("/")[0] for name, _ in root.files("") if "/" in name}
    return sorted(name for name in names if BATCH_NAME.fullmatch(name))


def _of_upload(
    folder: Folder, batch: str, columns: Mapping[str, str], subject: Subject
) -> Iterator[tuple[LabelTable, str]]:
    shown = layouts.cards_shown(folder, columns)
    if shown is not None:
        yield shown, batch
    cards = layouts.cards_beside(folder, columns)
    if cards is not None and subject.owns_profiles():
        yield cards, batch


def _of_base(data: DataSettings, subject: Subject) -> Iterator[tuple[LabelTable, str]]:
    """Yield the base set's tables: of loyalty cards, or of any layout that names persons."""
    folder = folders.open_folder(data.path or "")
    if layouts.cards_shown(folder, data.columns) is not None:
        yield from _of_upload(folder, "", data.columns, subject)
        return
    for table in layouts.find(folder, data)[1]:
        yield table, ""


def _workbooks(data: DataSettings) -> Iterator[str]:
    """Yield a sentence for each spreadsheet that is in a table's place and cannot be read."""
    root = folders.open_if_there(data.inbox) if data.inbox else None
    inner = [addresses.join(data.inbox or "", batch) for batch in _batches(root)] if root else []
    for address in (*inner, *filter(None, (data.inbox, data.path))):
        folder = folders.reach(address)
        for stem in ("photos", "cards"):
            for name in workbooks_named(stem, folder.has_file):
                yield f"{folder.shown(name)}: {not_read(name)}"


def _rows(table: LabelTable, batch: str, subject: Subject, key: str) -> Rows:
    lines: set[int] = set()
    malformed: list[str] = []
    names: list[str] = []
    traces = Traces()
    for line, row in table.rows():
        if row.get("problem") == Reason.ROW_MALFORMED:  # shifted cells: whose row?
            malformed.append(f"{table.path}: line {line}: {row['detail']}; fix this row")
            continue
        person, captured = row.get("person", ""), day_of(row.get("captured_at", ""))
        if not subject.is_shown(person, captured):
            continue
        lines.add(line)
        if name := row.get("file_name"):
            names.append(name)
            traces |= _traces(table, batch or row.get("batch", ""), batch, name, person, key)
    find = _lookup(table) if names else None
    photos = [photo for name in names if find for photo in _photos(table, name, find)]
    once = tuple(dict.fromkeys(photos))
    return Rows(table, frozenset(lines), once, batch, traces, tuple(malformed))


def _traces(table: LabelTable, batch: str, upload: str, name: str, person: str, key: str) -> Traces:
    hidden = data_set.stand_in(pseudonyms.pseudonym(person, key))
    forms = {name, without_card(name, person, hidden) if person else name}
    forms |= {file_names.printable(each) for each in forms}
    source = f"{upload}/{table.name}" if upload else table.name
    return Traces(
        photos=frozenset((batch, each) for each in forms),
        rows=frozenset((source, each) for each in forms),
    )


Find = Callable[[str], str | None]


def _lookup(table: LabelTable) -> Find:
    """Return a function that finds a file as runs do, also under another form of Unicode."""
    found = PhotoLookup(dict(table.folder.files(table.photos)), face_crops=False)

    def find(name: str) -> str | None:
        entry = found.find(table.photos, name)
        return entry.name if entry is not None else None

    return find


def _photos(table: LabelTable, name: str, find: Find) -> Iterator[str]:
    """Yield the paths of a row's photo and its face crop if they are in the upload."""
    if file_names.wrong_in_table(name) != file_names.LEADS_OUT:
        for file in (name, f"{name}_face.jpg"):
            if (found := find(file)) is not None:
                yield table.folder.path(found)
