"""What photos a folder holds: listed once, never opened."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a data folder.

    Attributes:
        byte_size: bytes.
        modified_ns: nanoseconds since 1970.
        outside: it is a link to something that does not lie in the data folder.
    """

    byte_size: int
    modified_ns: int
    outside: bool


def walk(folder: Path) -> Iterator[tuple[str, ListedFile]]:
    """List the files of a folder and its sub-folders; hidden ones and linked folders are left out.

    Yields:
        The path relative to the folder, with `/`, and the file.
    """
    root = os.path.realpath(folder)
    pending = [""]
    while pending:
        inner = pending.pop()
        with os.scandir(Path(root, inner)) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                name = f"{inner}/{entry.name}" if inner else entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(name)
                elif (listed := _listed(entry, root)) is not None:
                    yield name, listed


def leads_out(file_name: str) -> bool:
    """Whether a name in a table would lead out of its folder."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or file_name[1:2] == ":"


def _listed(entry: os.DirEntry, root: str) -> ListedFile | None:
    outside = False
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        outside = os.path.commonpath([root, target]) != root
        if not outside and not os.path.isfile(target):
            return None
    elif not entry.is_file():
        return None
    status = entry.stat(follow_symlinks=not outside)
    return ListedFile(status.st_size, status.st_mtime_ns, outside)
