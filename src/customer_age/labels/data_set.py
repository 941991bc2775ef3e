"""Data sets: a folder of label tables and photos, and what each row says.

Nothing here imports TensorFlow, Beam or TFX, so that a wrong folder is answered at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NoReturn

from customer_age.errors import SettingsError
from customer_age.files import DataAway, Entry, Folder, addresses, file_names, open_folder
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
"""Digits of a person's hash, where a photo's name says who it is."""


@dataclass(frozen=True)
class DataSet:
    """A folder whose label tables are known to be readable.

    Attributes:
        folder: the data folder.
        layout: the name of its layout.
        tables: in the order in which they are read.
        row_count: rows of all tables, without those on the ignore list.
        face_crops: whether `<file_name>_face.jpg` is taken where it stands beside a photo.
        person_key: keys the hash of a person.
        has_persons: whether a row says who is on its photo.
        has_splits: whether a row has an official split.
        batch: its name in the inbox; empty for the base set.
        forgotten: what no run may learn from.
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
        """What decides about a photo's split: the data set, who is on it, or its content."""
        if self.has_splits:
            return "official"
        return "persons" if self.has_persons else "photos"

    def __reduce__(self) -> NoReturn:
        # Whatever is pickled ends in Beam's graph, for everybody to read who sees a job.
        raise TypeError("a data set holds the key of persons, and goes to no other process")

    def rows(self) -> Iterator[LabelRow]:
        """Read the tables, and look each photo up in the listing."""
        ignored = ignore_list.read(self.folder)
        photos = PhotoLookup(self._listing(), self.face_crops)
        for table in self.tables:
            for line, row in table.rows():
                if not ignore_list.holds(ignored, row["file_name"]):
                    yield self._label_row(table, line, row, photos)

    def fingerprint(self, digests: ContentDigests | None = None) -> str:
        """Hash the contents of the tables and of the photos' folders.

        Args:
            digests: remembers the photos' contents, which are read again only where they may
                have changed; by default nothing is remembered.

        Returns:
            64 hexadecimal digits that change with a table, the ignore list, or the name or content
            of a photo: the same for a copy in another place.

        Raises:
            SettingsError: a table cannot be read, or a store does not answer.
        """
        parts = [table.fingerprint() for table in self.tables]
        parts += sorted(ignore_list.read(self.folder))
        # What a table says is in its own fingerprint, and a birthday's day in none.
        tables = {file for table in self.tables for file in table.files}
        listed = [each for name, each in self._listing().items() if name not in tables]
        try:
            contents = (digests or ContentDigests()).of(self.folder.path(""), listed)
        except OSError as error:
            raise DataAway(
                f"data folder {self.folder.shown('')}: {error.strerror or error}"
            ) from error
        parts += [f"{name}\0{content}" for name, content in sorted(contents.items())]
        return digest_of(*parts)

    def _listing(self) -> dict[str, Entry]:
        """Photo name relative to the data folder to what is known of the file."""
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
        called = row.get("person", "")
        person = pseudonyms.pseudonym(called, self.person_key)
        captured = row.get("captured", "")
        problem, detail = self._problem(row, listed)
        if self.forgotten.covers(person, captured):
            problem, detail = Reason.FORGOTTEN, FORGOTTEN

        def shown(text: str) -> str:
            # What a person is called goes no further than this.
            return table.shown(text, called, stand_in(person))

        if problem is Reason.FILE_MISSING and not detail:
            detail = shown(photos.why_missing(table.photos, file_name, not self.has_persons))
        return LabelRow(
            table=f"{self.batch}/{table.name}" if self.batch else table.name,
            line=line,
            file_name=file_names.printable(shown(file_name)),
            age=row["real_age"] if problem is not Reason.FORGOTTEN else "",
            # In the inbox, persons are dealt by their hash alone: whatever the window holds, one
            # person never stands in two splits.
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
        """Why a row has no photo that may be read, in a word and in a sentence."""
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
    """The fingerprint of each data set; see `DataSet.fingerprint`."""
    at_once = max(addresses.at_once(data_set.folder.path("")) for data_set in data_sets)
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda data_set: data_set.fingerprint(digests), data_sets))


def fingerprint_of_all(
    data_sets: Sequence[DataSet], digests: ContentDigests, person_key: str = ""
) -> str:
    """What changes with the data of a run: their tables and photos, the tombstones, the key.

    Args:
        data_sets: the base set, then the batches.
        digests: remembers the photos' contents.
        person_key: keys the hash of a person, if there is one.

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
    """What is written where a photo's name says who it is, given the person's hash."""
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
        folder: the data folder, or the address of one in an object store.
        spec: how the tables are read; by default as the settings' defaults say.
        person_key: keys the hash of a person.
        batch: the folder's name in the inbox; such a batch may have become empty.
        forgotten: what no run may learn from.

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
    beside = {file for table in tables for file in table.files} | {ignore_list.IGNORE_LIST}
    for photos in {table.photos for table in tables}:
        if not any(file not in beside for file, _ in folder.files(photos)):
            raise SettingsError(f"{folder.shown(photos)}: no photos in this folder")
