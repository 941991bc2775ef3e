"""Data sets: a folder of label tables and photos, and what each row says.

Nothing here imports TensorFlow, Beam or TFX, so that a wrong folder is answered at once.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen import folders, layouts, splits
from customer_age.components.photo_example_gen.refusals import NO_FILE, Reason
from customer_age.components.photo_example_gen.tables import LabelTable
from customer_age.schema.features import EXTRA

IGNORE_LIST = "ignore_list.txt"
"""In the data folder, one file name a line: photos that are left out as if no table named them."""


@dataclass(frozen=True)
class LabelRow:
    """One row of a label table, as it stands there.

    Attributes:
        table: the table's name.
        line: where the row ends in it, 1 being the header's line.
        file_name: the photo's name in the table.
        age: the label as text, not yet judged.
        split: the official split, or None.
        person: a keyed hash that stands for who it is, or empty.
        batch: the batch that the photo came with, or empty.
        extras: feature name and text of each further column that is kept.
        photo: the path of the file to read.
        byte_size: of that file, in bytes.
        problem: why there is no file that may be read, or None.
        detail: the same in a sentence, or empty.
    """

    table: str
    line: int
    file_name: str
    age: str
    split: str | None
    person: str
    batch: str
    extras: tuple[tuple[str, str], ...]
    photo: str
    byte_size: int
    problem: Reason | None
    detail: str


@dataclass(frozen=True)
class DataSet:
    """A folder whose label tables are known to be readable.

    Attributes:
        folder: the data folder.
        layout: the name of its layout.
        tables: in the order in which they are read.
        row_count: rows of all tables, without those on the ignore list.
        face_crops: whether `<file_name>_face.jpg` is taken where it stands beside a photo.
        person_key: keys the hash that stands for a person.
    """

    folder: folders.Folder
    layout: str
    tables: tuple[LabelTable, ...]
    row_count: int
    face_crops: bool
    person_key: str

    def rows(self) -> Iterator[LabelRow]:
        """Read the tables, and look each photo up in the listing."""
        ignored = _ignored(self.folder)
        for table in self.tables:
            for line, row in table.rows():
                if row["file_name"] not in ignored:
                    yield self._label_row(table, line, row)

    def fingerprint(self) -> str:
        """Hash the tables' contents and the photos' listing; no photo is opened.

        Returns:
            64 hexadecimal digits that change with a table, the ignore list, or the name, size or
            time of change of a photo.
        """
        digest = hashlib.sha256()
        for name in (*(file for table in self.tables for file in table.files), IGNORE_LIST):
            if self.folder.has_file(name):
                with self.folder.open(name) as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                digest.update(f"{name}\0{content}\0".encode())
        for name, listed in sorted(self._listing.items(), key=lambda item: item[0]):
            entry = f"{name}\0{listed.byte_size}\0{listed.modified_ns}\0"
            digest.update(entry.encode(errors="surrogateescape"))
        return digest.hexdigest()

    @cached_property
    def _listing(self) -> dict[str, folders.ListedFile]:
        """Photo name relative to the data folder to what is known of the file."""
        return {
            name: listed
            for photos in sorted({table.photos for table in self.tables})
            for name, listed in self.folder.files(photos)
        }

    def _label_row(self, table: LabelTable, line: int, row: dict[str, str]) -> LabelRow:
        file_name = row["file_name"]
        # Also drops a leading `./`, as the listing has none.
        relative = PurePosixPath(table.photos, file_name.replace("\\", "/")).as_posix()
        if self.face_crops and f"{relative}_face.jpg" in self._listing:
            relative = f"{relative}_face.jpg"
        listed = self._listing.get(relative)
        problem, detail = self._problem(file_name, listed, row)
        return LabelRow(
            table=table.name,
            line=line,
            file_name=file_name,
            age=row["real_age"],
            split=table.split or row.get("split") or None,
            # What a person is called goes no further than this.
            person=splits.pseudonym(row.get("person", ""), self.person_key),
            batch=row.get("batch", ""),
            extras=tuple(item for item in row.items() if item[0].startswith(EXTRA)),
            photo="" if problem else self.folder.path(relative),
            byte_size=listed.byte_size if listed else 0,
            problem=problem,
            detail=detail,
        )

    @staticmethod
    def _problem(
        file_name: str, listed: folders.ListedFile | None, row: Mapping[str, str]
    ) -> tuple[Reason | None, str]:
        """Why a row has no photo that may be read, in a word and in a sentence."""
        if folders.leads_out(file_name) or (listed is not None and listed.outside):
            return Reason.OUTSIDE_DATA_FOLDER, NO_FILE[Reason.OUTSIDE_DATA_FOLDER]
        if row.get("problem"):
            return Reason(row["problem"]), row["detail"]
        if listed is None:
            return Reason.FILE_MISSING, NO_FILE[Reason.FILE_MISSING]
        return None, ""


def open_data_set(
    folder: str,
    layout: str = "auto",
    face_crops: bool = True,
    columns: Mapping[str, str] | None = None,
    keep_columns: Sequence[str] = (),
    person_key: str = "",
    beam_args: Sequence[str] = (),
) -> DataSet:
    """Find the label tables of a folder and check that they can be read.

    Args:
        folder: the data folder, or the address of one in an object store.
        layout: the name of a layout, or `auto` to recognise it by the tables' names.
        face_crops: take `<file_name>_face.jpg` where it stands beside a photo.
        columns: `file_name`, `real_age`, `person`, `batch` or `split` to what the tables call it,
            where that is not the layout's own name.
        keep_columns: further columns to keep, by the tables' own names.
        person_key: keys the hash that stands for a person.
        beam_args: Beam options, of which some say how an object store is reached.

    Raises:
        SettingsError: the folder, a table, a column or all photos are missing, or a table cannot
            be read or has no rows.
    """
    opened = folders.open_folder(folder, beam_args)
    name, tables = layouts.find(opened, layout, columns or {}, keep_columns)
    ignored = _ignored(opened)
    row_count = 0
    for table in tables:
        row_count += sum(1 for _, row in table.rows() if row["file_name"] not in ignored)
    if not row_count:
        raise SettingsError(f"{' and '.join(table.path for table in tables)}: no rows")
    beside = {file for table in tables for file in table.files} | {IGNORE_LIST}
    for photos in {table.photos for table in tables}:
        if not any(file not in beside for file, _ in opened.files(photos)):
            raise SettingsError(f"{opened.path(photos)}: no photos in this folder")
    return DataSet(opened, name, tables, row_count, face_crops, person_key)


def _ignored(folder: folders.Folder) -> frozenset[str]:
    if not folder.has_file(IGNORE_LIST):
        return frozenset()
    try:
        with folder.open(IGNORE_LIST) as file:
            text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{folder.path(IGNORE_LIST)}: cannot be read: {error}") from error
    return frozenset(line.strip() for line in text.splitlines() if line.strip())
