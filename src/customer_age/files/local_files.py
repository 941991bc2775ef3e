"""Files and folders on this machine: atomic writes, listings, and links that lead outside."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .entries import Entry, missing

_UNFINISHED = ".unfinished"
"""The suffix of a temporary name, which also begins with a dot."""


def entries(folder: str, deep: bool, *bounds: str, hidden: bool = True) -> Iterator[Entry]:
    """List a folder sorted by name, its own files first; nothing if it does not exist.

    Linked folders are not entered: they can lead anywhere, even in circles. Files that `writing`
    has not finished, and entries that are neither files nor folders, are left out.

    Args:
        folder: its path.
        deep: whether to list the files in sub-folders; else the sub-folders are listed as entries.
        bounds: other folders that links may lead to.
        hidden: whether to list names that begin with a dot.

    Raises:
        OSError: a folder cannot be listed.
    """
    inside = tuple(os.path.realpath(each) for each in (folder, *bounds))
    pending = [""]
    while pending:
        inner = pending.pop()
        folders = []
        try:
            with os.scandir(os.path.join(folder, inner)) as found:  # noqa: PTH118
                there = sorted(found, key=lambda each: each.name)
        except FileNotFoundError:
            continue  # deleted meanwhile, or it never existed
        for each in there:
            name = f"{inner}/{each.name}" if inner else each.name
            if not hidden and each.name.startswith("."):
                continue
            if each.is_dir(follow_symlinks=not deep):
                folders.append(name)
            elif not _is_unfinished(each.name) and (entry := _entry(each, name, inside)):
                yield entry
        if deep:
            pending += reversed(folders)
        else:
            yield from (Entry(name, is_folder=True) for name in folders)


def unfinished(folder: str) -> Iterator[Entry]:
    """List the files below a folder that `writing` has not finished; skip linked folders.

    Raises:
        OSError: a folder cannot be listed.
    """
    for above, _, names in os.walk(folder, onerror=_raise_unless_gone):
        for name in filter(_is_unfinished, names):
            file = Path(above, name)
            with contextlib.suppress(FileNotFoundError):  # finished by now
                status = file.lstat()
                inner = file.relative_to(folder).as_posix()
                yield Entry(inner, status.st_size, status.st_mtime_ns)


@contextlib.contextmanager
def writing(path: str, new: bool, scratch: str = "") -> Iterator[BinaryIO]:
    """Open a file for writing. It gets its name at the end, and is deleted after an error.

    Args:
        path: of the file; a missing folder is created.
        new: whether to raise FileExistsError if the name is taken at the end.
        scratch: a folder on the same disk for the unfinished file; empty for the file's own folder.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    growing = _growing(Path(scratch or target.parent, target.name))
    growing.parent.mkdir(parents=True, exist_ok=True)
    try:
        with growing.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if new:
            os.link(growing, target)
        else:
            growing.replace(target)
    except OSError as error:
        if error.filename in (None, str(growing)):  # the error of a full disk has no file name
            error.filename = path
        raise
    finally:
        growing.unlink(missing_ok=True)


def copy(path: str, target: str) -> None:
    """Copy a file: add a hard link on the same disk, else copy the bytes.

    No code changes a file in place, so a hard link is as good as a copy.
    """
    growing = _growing(Path(target))
    growing.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(os.path.realpath(path), growing)
    except FileNotFoundError:
        raise missing(path) from None
    except OSError:  # another disk, or a file system without hard links
        with Path(path).open("rb") as source, writing(target, False) as file:
            shutil.copyfileobj(source, file)
        return
    try:
        growing.replace(target)
    finally:
        # When both are names of one file, `replace` leaves both.
        growing.unlink(missing_ok=True)


def delete(path: str) -> None:
    """Delete a file if it exists."""
    Path(path).unlink(missing_ok=True)


def delete_folder(path: str) -> None:
    """Delete a folder and everything in it, if it exists."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def _growing(target: Path) -> Path:
    # Only the beginning of a long name, because 255 bytes are the limit.
    return target.with_name(f".{target.name[:48]}.{secrets.token_hex(8)}{_UNFINISHED}")


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(_UNFINISHED)


def _entry(found: os.DirEntry, name: str, bounds: tuple[str, ...]) -> Entry | None:
    outside = False
    if found.is_symlink():
        target = os.path.realpath(found.path)
        outside = all(os.path.commonpath([bound, target]) != bound for bound in bounds)
    if not outside and not found.is_file():
        return None
    try:
        status = found.stat(follow_symlinks=not outside)
    except FileNotFoundError:
        return None  # deleted meanwhile
    return Entry(
        name,
        status.st_size,
        status.st_mtime_ns,
        outside=outside,
        changed_ns=status.st_ctime_ns,
    )
