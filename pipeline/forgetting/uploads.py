"""Erase from uploads: the batches of an inbox, the tables beside them, and the base set."""

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
    """Rows of one table that go.

    Attributes:
        table: that they stand in.
        lines: where they end in it.
        photos: the paths of their photos.
        batch: that the table is about, or empty.
        traces: of each photo, as its example or its refusal has it.
        malformed: a sentence for each row of which nobody knows whose it is.
    """

    table: LabelTable
    lines: frozenset[int]
    photos: tuple[str, ...] = ()
    batch: str = ""
    traces: Traces = Traces()
    malformed: tuple[str, ...] = ()

    def erase_photos(self) -> None:
        """Delete the photos; those that are gone already are no mistake."""
        for photo in self.photos:
            store.delete(photo)

    def erase_rows(self) -> None:
        """Write the table again, completely or not at all."""
        store.write_whole(self.table.folder.path(self.table.name), self.table.without(self.lines))


def find(data: DataSettings, subject: Subject, key: str) -> tuple[list[Rows], list[str]]:
    """Find what uploads hold of a subject.

    Args:
        data: where the inbox and the base set are, and what the tables call their columns.
        subject: what is to be forgotten.
        key: of persons.

    Returns:
        What was found, and a sentence for each table that cannot be read: nobody may hear that
        a person is forgotten while a part was not even looked at.

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
    """Each table that may name the subject, and the batch that it is about."""
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
    """The names of all sub-folders that may be batches, complete or not."""
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
    """The base set's tables: of loyalty cards, or of any layout that names persons."""
    folder = folders.open_folder(data.path or "")
    if layouts.cards_shown(folder, data.columns) is not None:
        yield from _of_upload(folder, "", data.columns, subject)
        return
    for table in layouts.find(folder, data)[1]:
        yield table, ""


def _workbooks(data: DataSettings) -> Iterator[str]:
    """A sentence for each spreadsheet that stands where a table should, and that nobody reads."""
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
        if row.get("problem") == Reason.ROW_MALFORMED:  # its cells are shifted: whose is it?
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
    called = {name, without_card(name, person, hidden) if person else name}
    called |= {file_names.printable(each) for each in called}
    where = f"{upload}/{table.name}" if upload else table.name
    return Traces(
        photos=frozenset((batch, each) for each in called),
        rows=frozenset((where, each) for each in called),
    )


Find = Callable[[str], str | None]


def _lookup(table: LabelTable) -> Find:
    """Find a file as runs do: another form of Unicode counts too."""
    found = PhotoLookup(dict(table.folder.files(table.photos)), face_crops=False)

    def find(name: str) -> str | None:
        entry = found.find(table.photos, name)
        return entry.name if entry is not None else None

    return find


def _photos(table: LabelTable, name: str, find: Find) -> Iterator[str]:
    """A row's photo and its face crop, where they lie in the upload."""
    if file_names.wrong_in_table(name) != file_names.LEADS_OUT:
        for file in (name, f"{name}_face.jpg"):
            if (found := find(file)) is not None:
                yield table.folder.path(found)
