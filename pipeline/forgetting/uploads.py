"""Erase from uploads: the batches of an inbox, the tables beside them, and the base set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from customer_age.errors import RunError
from customer_age.files import Folder, addresses, folders, store
from customer_age.labels import LabelTable, data_set, layouts, pseudonyms
from customer_age.labels.cards.ages import day_of
from customer_age.labels.cards.card_table import without_card
from customer_age.schema.batch_names import BATCH_NAME

from ..settings.data import DataSettings
from .subject import Subject


@dataclass(frozen=True)
class Rows:
    """Rows of one table that go.

    Attributes:
        table: that they stand in.
        lines: where they end in it.
        photos: the paths of their photos.
        names: batch and name of each photo, as its example has them.
    """

    table: LabelTable
    lines: frozenset[int]
    photos: tuple[str, ...] = ()
    names: frozenset[tuple[str, str]] = frozenset()

    def erase_photos(self) -> None:
        """Delete the photos; those that are gone already are no mistake."""
        for photo in self.photos:
            store.delete(photo)

    def erase_rows(self) -> None:
        """Write the table anew, whole or not at all."""
        store.write_whole(self.table.folder.path(self.table.name), self.table.without(self.lines))


def find(data: DataSettings, subject: Subject, key: str) -> tuple[list[Rows], list[str]]:
    """Find what uploads hold of a subject.

    Args:
        data: where the inbox and the base set are, and what the tables call their columns.
        subject: what is to be forgotten.
        key: of persons.

    Returns:
        What was found, and a sentence for each table that cannot be read: nobody may be told that
        a person is forgotten while a part was not even looked at.

    Raises:
        SettingsError: the inbox or the base set cannot be listed.
    """
    found, unread = [], []
    for table, batch in _tables(data, subject):
        try:
            rows = _rows(table, batch, subject, key)
        except RunError as error:
            unread.append(str(error))
            continue
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


def _rows(table: LabelTable, batch: str, subject: Subject, key: str) -> Rows:
    lines: set[int] = set()
    photos: list[str] = []
    names: set[tuple[str, str]] = set()
    for line, row in table.rows():
        person, captured = row.get("person", ""), day_of(row.get("captured_at", ""))
        if not subject.is_shown(person, captured):
            continue
        lines.add(line)
        if name := row.get("file_name"):
            photos += _photos(table, name)
            hidden = data_set.stand_in(pseudonyms.pseudonym(person, key))
            names.add((batch or row.get("batch", ""), without_card(name, person, hidden)))
    return Rows(table, frozenset(lines), tuple(photos), frozenset(names))


def _photos(table: LabelTable, name: str) -> Iterator[str]:
    """A row's photo and its face crop, where they lie in the upload."""
    relative = PurePosixPath(table.photos, name.replace("\\", "/")).as_posix()
    if not addresses.leads_out(name):
        for file in (relative, f"{relative}_face.jpg"):
            if table.folder.has_file(file):
                yield table.folder.path(file)
