"""Lists the requested photos: turns photos, folders, globs and tables into single files.

This module does not import TensorFlow, Beam or TFX, so that a wrong path is reported at once. Names
are listed when they are needed, one folder or glob at a time; no photo is opened.
"""

import functools
import glob
import os
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from customer_age.errors import SettingsError
from customer_age.files import (
    Entry,
    Folder,
    LocalFolder,
    addresses,
    file_names,
    open_folder,
    store,
)
from customer_age.labels.photo_lookup import PhotoLookup
from customer_age.labels.tables import SUFFIXES, LabelTable
from customer_age.photos import formats
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import Reason

_SHORT_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_MAX_KINDS = 5
"""The largest number of kinds of left-out files that one line names."""


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A requested photo.

    Attributes:
        file_name: the name as the user wrote it, or as in the table.
        path: path or URL of the file to read.
        problem: why there is no file to read, or None.
        detail: the problem in a sentence; empty if the problem needs no more words.
    """

    file_name: str
    path: str
    problem: Reason | None = None
    detail: str = ""


class PhotoSource(ABC):
    """Photos in a fixed order."""

    @abstractmethod
    def files(self, face_crops: bool, left_out: Counter[str] | None = None) -> Iterator[PhotoFile]:
        """List the photos.

        Args:
            face_crops: use `<file_name>_face.jpg` if it is next to a photo of a table.
            left_out: counts the files in a folder that are not photos, by their suffixes in lower
                case, while the photos are listed; None counts nothing.
        """


@dataclass(frozen=True)
class SinglePhoto(PhotoSource):
    """A photo by its path, even if it does not exist."""

    path: str

    def files(self, face_crops: bool, left_out: Counter[str] | None = None) -> Iterator[PhotoFile]:
        """Yield the photo."""
        yield PhotoFile(self.path, self.path)


@dataclass(frozen=True)
class PhotoFolder(PhotoSource):
    """All photos of a folder and its sub-folders: each file with a picture's suffix.

    Hidden files and folders are never listed, such as `.DS_Store` and `._1.jpg`, which macOS puts
    next to `1.jpg` on other systems' disks and in archives.
    """

    folder: Folder

    def files(self, face_crops: bool, left_out: Counter[str] | None = None) -> Iterator[PhotoFile]:
        """Yield the photos; the rows name them like a shell, with the folder's path."""
        for name, listed in self.folder.files(""):
            if _is_picture(name):
                path = self.folder.path(name)
                problem = Reason.OUTSIDE_DATA_FOLDER if listed.outside else None
                yield PhotoFile(self.folder.shown(name), path, problem)
            elif left_out is not None:
                left_out[_suffix(name)] += 1


@dataclass(frozen=True)
class PhotoTable(PhotoSource):
    """The rows of a table with a column `file_name`; the photos are in the table's folder."""

    table: LabelTable

    def files(self, face_crops: bool, left_out: Counter[str] | None = None) -> Iterator[PhotoFile]:
        """Yield the photos of the rows."""
        # Lists a folder in which a photo is missing, once, to find similar names.
        neighbours = functools.cache(lambda folder: PhotoLookup(self._listed(folder), face_crops))
        for line, row in self.table.rows():
            if "problem" in row:
                detail = f"line {line} of {self.table.name}: {row['detail']}"
                yield PhotoFile(row["file_name"], "", Reason(row["problem"]), detail)
            else:
                yield self._file(row["file_name"], face_crops, neighbours)

    def _file(
        self, file_name: str, face_crops: bool, neighbours: Callable[[str], PhotoLookup]
    ) -> PhotoFile:
        if wrong := file_names.wrong_in_table(file_name):
            outside = wrong == file_names.LEADS_OUT
            reason = Reason.OUTSIDE_DATA_FOLDER if outside else Reason.FILE_MISSING
            return PhotoFile(file_name, "", reason, "" if outside else f"the name {wrong}")
        folder = self.table.folder
        name = file_names.relative(self.table.photos, file_name)
        try:
            if face_crops and folder.has_file(f"{name}_face.jpg"):
                name = f"{name}_face.jpg"
            elif not folder.has_file(name):
                lookup = neighbours(name.rpartition("/")[0])
                listed = lookup.find("", name)
                if listed is None:
                    why = lookup.why_missing("", name, elsewhere=False)
                    return PhotoFile(file_name, "", Reason.FILE_MISSING, why)
                name = listed.name
        except OSError:  # the name is too long for a file
            return PhotoFile(file_name, "", Reason.FILE_MISSING)
        path = folder.path(name)
        problem = Reason.OUTSIDE_DATA_FOLDER if self._links_outside(path) else None
        return PhotoFile(file_name, path, problem)

    def _listed(self, inner: str) -> dict[str, Entry]:
        """Return the files of one folder, without sub-folders, by their names in the table's."""
        folder = self.table.folder
        if not isinstance(folder, LocalFolder):
            return dict(folder.files(inner))  # already listed
        try:
            found = list(store.list(folder.path(inner), deep=False))
        except OSError:  # it may be readable but not listable
            return {}
        names = {f"{inner}/{each.name}" if inner else each.name: each for each in found}
        return {name: replace(each, name=name) for name, each in names.items()}

    def _links_outside(self, path: str) -> bool:
        target = os.path.realpath(path)
        return all(os.path.commonpath([bound, target]) != bound for bound in self._bounds)

    @cached_property
    def _bounds(self) -> tuple[str, ...]:
        """Folders that links may lead to: the table's folder and the target of its photos' folder.

        Empty for an object store, which has no links.
        """
        if not isinstance(self.table.folder, LocalFolder):
            return ()
        return tuple(
            os.path.realpath(self.table.folder.path(name)) for name in ("", self.table.photos)
        )


def find(arguments: Sequence[str], beam_args: Sequence[str] = ()) -> list[PhotoSource]:
    """Return the kind of source of each argument of a command, and check that it can be read.

    A file with a table's suffix is a table, and a glob is expanded as in a shell. An argument that
    is not a folder, a table or a glob is a photo; if it does not exist, its row reports that.

    Args:
        arguments: paths, globs, or URLs of folders and tables in object stores.
        beam_args: Beam options, some of which configure access to an object store.

    Raises:
        SettingsError: a glob matches nothing, a folder contains no photos, or a table cannot be
            read, has no column `file_name` or has no rows.
    """
    return [
        source for each in arguments for source in _sources(addresses.reached_by(each, beam_args))
    ]


def files(
    sources: Sequence[PhotoSource], face_crops: bool, left_out: Counter[str] | None = None
) -> Iterator[PhotoFile]:
    """Yield the photos of all sources, in order; see `PhotoSource`."""
    for source in sources:
        yield from source.files(face_crops, left_out)


def left_out_line(kinds: Counter[str]) -> str:
    """Describe the left-out files in one line; empty if there are none."""
    if not kinds:
        return ""
    were = "was" if kinds.total() == 1 else "were"
    return _counted(kinds, f" {were} left out")


def _counted(kinds: Counter[str], what: str = "") -> str:
    """Describe the numbers of files of each kind, the largest first."""
    ordered = sorted(kinds.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{count:,} {suffix}" for suffix, count in ordered[:_MAX_KINDS]]
    if rest := sum(count for _, count in ordered[_MAX_KINDS:]):
        named.append(f"{rest:,} of other kinds")
    files = "1 file" if kinds.total() == 1 else f"{kinds.total():,} files"
    return f"{files} without a picture's suffix{what}: {', '.join(named)}"


def _is_picture(name: str) -> bool:
    return name.lower().endswith(formats.SUFFIXES)


def _suffix(name: str) -> str:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  a name in a bucket is not a path
    if not suffix:
        return "without a suffix"
    return suffix if _SHORT_SUFFIX.fullmatch(suffix) else "with an odd suffix"


def _sources(argument: str) -> Iterator[PhotoSource]:
    if "://" in argument or _is_folder(argument):
        yield _table_or_folder(argument)
    elif argument.lower().endswith(SUFFIXES):
        yield _table(argument)
    elif glob.has_magic(argument) and not os.path.lexists(argument):
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207  as a shell would
        if not matches:
            raise SettingsError(f"{argument}: matches nothing")
        for match in matches:
            yield from _sources(match)
    else:
        yield SinglePhoto(argument)


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # too long, or not allowed: its row reports that
        return False


def _table_or_folder(argument: str) -> PhotoSource:
    if "://" in argument and addresses.plain(argument).lower().endswith(SUFFIXES):
        return _table(argument)
    folder = PhotoFolder(open_folder(argument))
    kinds: Counter[str] = Counter()
    if next(folder.files(False, kinds), None) is None:
        others = f"; it contains {_counted(kinds)}" if kinds else ""
        raise SettingsError(f"{addresses.plain(argument)}: no photos in this folder{others}")
    return folder


def _table(argument: str) -> PhotoTable:
    parent, name = addresses.split(argument)
    folder = open_folder(parent)
    shown = folder.shown(name)
    if not folder.has_file(name):
        raise SettingsError(f"{shown}: this table does not exist")
    table = LabelTable(folder, name, {"file_name": "file_name"}, {}, None, _photos(folder, name))
    if not sum(1 for _ in table.rows()):  # read it all, to report damage before use
        raise SettingsError(f"{shown}: no rows")
    return PhotoTable(table)


def _photos(folder: Folder, table: str) -> str:
    """Return the sub-folder of a table's photos, as in the layouts of training data."""
    splits = [split for split in SPLITS if table.startswith(f"gt_avg_{split}.")]
    return next((name for name in (*splits, "final_files") if folder.has_folder(name)), "")
