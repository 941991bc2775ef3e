"""Files and folders of this machine: whole writes, listing, links that lead out."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .entries import Entry, missing

_UNFINISHED = ".unfinished"
"""End of the name, with a dot at its beginning, under which a file grows."""


def entries(folder: str, deep: bool, *bounds: str, hidden: bool = True) -> Iterator[Entry]:
    """List a folder by name, its own files first; none where it is not there.

    Linked folders are not entered: they can lead anywhere, and in circles. What is no file is left
    out, and what `writing` has not finished.

    Args:
        folder: its path.
        deep: whether its sub-folders are listed too; else they are named.
        bounds: further folders that links may lead to.
        hidden: whether names that begin with a dot are listed.

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
            continue  # deleted meanwhile, or never there
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
    """The files below a folder that `writing` has not finished; linked folders are not entered.

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
    """Give a file to write to, which gets its name at the end, and is gone after an error.

    Args:
        path: of the file; its folder is made where it is missing.
        new: whether to raise FileExistsError if the file exists already.
        scratch: a folder of the same disk in which it grows; empty for its own.
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
        if error.filename in (None, str(growing)):  # a full disk names no file
            error.filename = path
        raise
    finally:
        growing.unlink(missing_ok=True)


def copy(path: str, target: str) -> None:
    """Copy a file as it is: a second name on one disk, else its bytes.

    Nothing ever changes a file in place, so two names for it are as good as two copies.
    """
    growing = _growing(Path(target))
    growing.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(os.path.realpath(path), growing)
    except FileNotFoundError:
        raise missing(path) from None
    except OSError:  # another disk, or one that knows no links
        with Path(path).open("rb") as source, writing(target, False) as file:
            shutil.copyfileobj(source, file)
        return
    try:
        growing.replace(target)
    finally:
        # Two names of one file: to rename one to the other leaves both.
        growing.unlink(missing_ok=True)


def delete(path: str) -> None:
    """Delete a file, if it is there."""
    Path(path).unlink(missing_ok=True)


def delete_folder(path: str) -> None:
    """Delete a folder and all below it, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def _growing(target: Path) -> Path:
    # Of a long name only the beginning, as 255 bytes are the limit.
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
