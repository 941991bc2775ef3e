"""Data sets: a folder of label tables and photos, and its rows.

Nothing here imports TensorFlow, Beam or TFX, so that a wrong folder is reported at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NoReturn

from customer_age.errors import SettingsError
from customer_age.files import DataUnavailable, Entry, Folder, addresses, file_names, open_folder
from customer_age.files.content_digests import ContentDigests
from customer_age.schema.features import EXTRA
from customer_age.schema.refusals import FORGOTTEN, NO_FILE, Reason

from . import ignore_list, layouts, pseudonyms
from .photo_lookup import PhotoLookup
from .rows import LabelRow
from .spec import LabelSpec
from .tables import LabelTable, digest_of
from .tombstones import NOBODY, Forgotten

_STAND_IN = 12
"""Digits of a person's hash that replace the card number in a photo's name."""


@dataclass(frozen=True)
class DataSet:
    """A folder with label tables that were checked to be readable.

    Attributes:
        folder: the data folder.
        layout: the name of its layout.
        tables: in the order in which they are read.
        row_count: rows of all tables, without those on the ignore list.
        face_crops: whether to read `<file_name>_face.jpg` instead of a photo, if it exists.
        person_key: the key of the persons' pseudonyms.
        has_persons: whether any row names the person on its photo.
        has_splits: whether any row has an official split.
        batch: its name in the inbox; empty for the base set.
        forgotten: the persons and photos that no run may train on.
    """

    folder: Folder
    layout: str
    tables: tuple[LabelTable, ...]
    row_count: int
    face_crops: bool
    person_key: str
    has_persons: bool = False
    has_splits: bool = False
    batch: str = ""
    forgotten: Forgotten = NOBODY

    @property
    def split_source(self) -> Literal["official", "persons", "photos"]:
        """What decides a photo's split: the data set, the person on it, or its content."""
        if self.has_splits:
            return "official"
        return "persons" if self.has_persons else "photos"

    def __reduce__(self) -> NoReturn:
        # A pickled data set would become part of Beam's graph, which all who see a job can read.
        raise TypeError("a data set holds the persons' key and must not be sent to other processes")

    def rows(self) -> Iterator[LabelRow]:
        """Read the tables, and find each photo in the listing."""
        ignored = ignore_list.read(self.folder)
        photos = PhotoLookup(self._listing(), self.face_crops)
        for table in self.tables:
            for line, row in table.rows():
                if not ignore_list.holds(ignored, row["file_name"]):
                    yield self._label_row(table, line, row, photos)

    def fingerprint(self, digests: ContentDigests | None = None) -> str:
        """Hash the contents of the tables and of the photos' folders.

        Args:
            digests: remembers the photos' content digests, so that a photo is read again only if it
                may have changed; by default nothing is remembered.

        Returns:
            64 hexadecimal digits that change with a table, the ignore list, or the name or content
            of a photo. A copy in another location has the same digits.

        Raises:
            SettingsError: a table cannot be read, or a store does not answer.
        """
        parts = [table.fingerprint() for table in self.tables]
        parts += sorted(ignore_list.read(self.folder))
        # A table has its own fingerprint, which does not depend on the day of a birthday.
        tables = {file for table in self.tables for file in table.files}
        listed = [each for name, each in self._listing().items() if name not in tables]
        try:
            contents = (digests or ContentDigests()).of(self.folder.path(""), listed)
        except OSError as error:
            raise DataUnavailable(
                f"data folder {self.folder.shown('')}: {error.strerror or error}"
            ) from error
        parts += [f"{name}\0{content}" for name, content in sorted(contents.items())]
        return digest_of(*parts)

    def _listing(self) -> dict[str, Entry]:
        """Return the entry of each photo by its name relative to the data folder."""
        return {
            name: listed
            for photos in sorted({table.photos for table in self.tables})
            for name, listed in self.folder.files(photos)
        }

    def _label_row(
        self, table: LabelTable, line: int, row: dict[str, str], photos: PhotoLookup
    ) -> LabelRow:
        file_name = row["file_name"]
        listed = photos.find(table.photos, file_name)
        identity = row.get("person", "")
        person = pseudonyms.pseudonym(identity, self.person_key)
        captured = row.get("captured", "")
        problem, detail = self._problem(row, listed)
        if self.forgotten.covers(person, captured):
            problem, detail = Reason.FORGOTTEN, FORGOTTEN

        def shown(text: str) -> str:
            # A person's name or card number is not passed on from here.
            return table.shown(text, identity, stand_in(person))

        if problem is Reason.FILE_MISSING and not detail:
            detail = shown(photos.why_missing(table.photos, file_name, not self.has_persons))
        return LabelRow(
            table=f"{self.batch}/{table.name}" if self.batch else table.name,
            line=line,
            file_name=file_names.printable(shown(file_name)),
            age=row["real_age"] if problem is not Reason.FORGOTTEN else "",
            # In the inbox, only the hash decides a person's split, so that a person is never in two
            # splits, with any set of batches.
            split=None if self.batch else table.split or row.get("split") or None,
            person=person,
            batch=self.batch or shown(row.get("batch", "")),
            extras=tuple(
                (name, shown(text)) for name, text in row.items() if name.startswith(EXTRA)
            ),
            photo="" if problem or listed is None else self.folder.path(listed.name),
            byte_size=listed.byte_size if listed else 0,
            problem=problem,
            detail=detail,
            captured=captured,
        )

    @staticmethod
    def _problem(row: Mapping[str, str], listed: Entry | None) -> tuple[Reason | None, str]:
        """Return why a row's photo may not be read: the reason code and a sentence."""
        if row.get("problem") == Reason.ROW_MALFORMED:
            return Reason.ROW_MALFORMED, row["detail"]
        wrong = file_names.wrong_in_table(row["file_name"])
        if wrong == file_names.LEADS_OUT or (listed is not None and listed.outside):
            return Reason.OUTSIDE_DATA_FOLDER, NO_FILE[Reason.OUTSIDE_DATA_FOLDER]
        if row.get("problem"):
            return Reason(row["problem"]), row["detail"]
        if wrong:
            return Reason.FILE_MISSING, f"the name {wrong}"
        return (Reason.FILE_MISSING, "") if listed is None else (None, "")


def fingerprints(data_sets: Sequence[DataSet], digests: ContentDigests) -> list[str]:
    """Return the fingerprint of each data set; see `DataSet.fingerprint`."""
    at_once = max(addresses.at_once(data_set.folder.path("")) for data_set in data_sets)
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda data_set: data_set.fingerprint(digests), data_sets))


def fingerprint_of_all(
    data_sets: Sequence[DataSet], digests: ContentDigests, person_key: str = ""
) -> str:
    """Return a fingerprint of a run's data: tables, photos, tombstones and the persons' key.

    Args:
        data_sets: the base set, then the batches.
        digests: remembers the photos' contents.
        person_key: the key of the persons' pseudonyms, or empty.

    Raises:
        SettingsError: a table cannot be read, or a store does not answer.
    """
    found = fingerprints(data_sets, digests)
    forgotten = data_sets[0].forgotten.fingerprint()
    if len(found) == 1 and not forgotten and not person_key:
        return found[0]
    named = [f"{each.batch}={one}" for each, one in zip(data_sets, found, strict=True)]
    return digest_of(*named, forgotten, pseudonyms.fingerprint(person_key))


def stand_in(person: str) -> str:
    """Return the text that replaces a card number in a photo's name, from the person's hash."""
    return person[:_STAND_IN]


def open_data_set(
    folder: str,
    spec: LabelSpec | None = None,
    *,
    person_key: str = "",
    batch: str = "",
    forgotten: Forgotten = NOBODY,
) -> DataSet:
    """Find the label tables of a folder and check that they can be read.

    Args:
        folder: the data folder's path, or its address in an object store.
        spec: how the tables are read; by default, the defaults of the settings.
        person_key: the key of the persons' pseudonyms.
        batch: the folder's name in the inbox; only a batch may be empty.
        forgotten: the persons and photos that no run may train on.

    Raises:
        SettingsError: the folder, a table, a column or all photos are missing, or a table cannot
            be read or has no rows.
    """
    spec = spec or LabelSpec()
    opened = open_folder(folder)
    name, tables = layouts.find(opened, spec, in_inbox=bool(batch))
    ignored = ignore_list.read(opened)
    row_count, has_persons, has_splits = 0, False, False
    for table in tables:
        for _, row in table.raw_rows():
            row_count += not ignore_list.holds(ignored, row["file_name"])
            has_persons = has_persons or bool(row.get("person"))
            has_splits = has_splits or bool(table.split or row.get("split"))
    if not batch:
        _require_photos(opened, tables, row_count)
    return DataSet(
        folder=opened,
        layout=name,
        tables=tables,
        row_count=row_count,
        face_crops=spec.face_crops,
        person_key=person_key,
        has_persons=has_persons,
        has_splits=has_splits,
        batch=batch,
        forgotten=forgotten,
    )


def _require_photos(folder: Folder, tables: Sequence[LabelTable], row_count: int) -> None:
    if not row_count:
        raise SettingsError(f"{' and '.join(table.path for table in tables)}: no rows")
    not_photos = {file for table in tables for file in table.files} | {ignore_list.IGNORE_LIST}
    for photos in {table.photos for table in tables}:
        if not any(file not in not_photos for file, _ in folder.files(photos)):
            raise SettingsError(f"{folder.shown(photos)}: no photos in this folder")
