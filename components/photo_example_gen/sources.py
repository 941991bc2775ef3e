"""Data sets: a folder of label tables and photos, and what each row says.

Nothing here imports TensorFlow, Beam or TFX, so that a wrong folder is answered at once.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen import folders, layouts
from customer_age.components.photo_example_gen.refusals import Reason
from customer_age.components.photo_example_gen.tables import LabelTable

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
        person: who it is, as the table says it, or empty.
        batch: the batch that the photo came with, or empty.
        photo: the path of the file to read.
        byte_size: of that file, in bytes.
        problem: why there is no file to read, or None.
    """

    table: str
    line: int
    file_name: str
    age: str
    split: str | None
    person: str
    batch: str
    photo: str
    byte_size: int
    problem: Reason | None


@dataclass(frozen=True)
class DataSet:
    """A folder whose label tables are known to be readable.

    Attributes:
        folder: the data folder.
        layout: the name of its layout.
        tables: in the order in which they are read.
        row_count: rows of all tables, without those on the ignore list.
        face_crops: whether `<file_name>_face.jpg` is taken where it stands beside a photo.
    """

    folder: Path
    layout: str
    tables: tuple[LabelTable, ...]
    row_count: int
    face_crops: bool

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
        ignore_list = self.folder / IGNORE_LIST
        for path in (*(table.path for table in self.tables), ignore_list):
            if path.is_file():
                digest.update(f"{path.name}\0{_file_digest(path)}\0".encode())
        for name, file in sorted(self._listing.items(), key=lambda item: item[0]):
            digest.update(f"{name}\0{file.byte_size}\0{file.modified_ns}\0".encode())
        return digest.hexdigest()

    @cached_property
    def _listing(self) -> dict[str, folders.ListedFile]:
        """Photo path relative to the data folder to what is known of the file."""
        return {
            (name if photos == "." else f"{photos}/{name}"): file
            for photos in sorted({table.photos for table in self.tables})
            for name, file in folders.walk(self.folder / photos)
        }

    def _label_row(self, table: LabelTable, line: int, row: dict[str, str]) -> LabelRow:
        file_name = row["file_name"]
        # Also drops a leading `./`, as the listing has none.
        relative = PurePosixPath(table.photos, file_name.replace("\\", "/")).as_posix()
        if self.face_crops and f"{relative}_face.jpg" in self._listing:
            relative = f"{relative}_face.jpg"
        listed = self._listing.get(relative)
        problem = None
        if folders.leads_out(file_name) or (listed is not None and listed.outside):
            problem = Reason.OUTSIDE_DATA_FOLDER
        elif listed is None:
            problem = Reason.FILE_MISSING
        return LabelRow(
            table=table.name,
            line=line,
            file_name=file_name,
            age=row["real_age"],
            split=table.split or row["split"] or None,
            person=row["person"],
            batch=row["batch"],
            photo="" if problem else str(self.folder / relative),
            byte_size=listed.byte_size if listed else 0,
            problem=problem,
        )


def open_data_set(folder: str, layout: str = "auto", face_crops: bool = True) -> DataSet:
    """Find the label tables of a folder and check that they can be read.

    Args:
        folder: the data folder.
        layout: the name of a layout, or `auto` to recognise it by the tables' names.
        face_crops: take `<file_name>_face.jpg` where it stands beside a photo.

    Raises:
        SettingsError: the folder, a table, a column or all photos are missing, or a table cannot
            be read or has no rows.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SettingsError(f"data folder {folder}: there is no such folder")
    name, tables = layouts.find(root, layout)
    ignored = _ignored(root)
    row_count = 0
    for table in tables:
        row_count += sum(1 for _, row in table.rows() if row["file_name"] not in ignored)
    if not row_count:
        raise SettingsError(f"{' and '.join(str(table.path) for table in tables)}: no rows")
    for photos in {table.photos for table in tables}:
        beside = {table.name for table in tables} | {IGNORE_LIST}
        if not any(file not in beside for file, _ in folders.walk(root / photos)):
            raise SettingsError(f"{root / photos}: no photos in this folder")
    return DataSet(root, name, tables, row_count, face_crops)


def _ignored(folder: Path) -> frozenset[str]:
    try:
        text = (folder / IGNORE_LIST).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{folder / IGNORE_LIST}: cannot be read: {error}") from error
    return frozenset(line.strip() for line in text.splitlines() if line.strip())


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
