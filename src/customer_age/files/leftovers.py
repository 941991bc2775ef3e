"""Find and delete the files that killed writers left on a disk; `store.list` does not list them.

A store has no such files: an object is complete as soon as it exists. (A killed multipart upload is
in no listing; a lifecycle rule of the bucket deletes it, see docs/storage.md.)
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .addresses import is_remote, local_path
from .entries import Entry
from .local_files import unfinished as _unfinished


def unfinished(address: str) -> Iterator[Entry]:
    """List the unfinished files below a folder. Their writers may be running or were killed.

    Args:
        address: of the folder, which may be missing.

    Raises:
        OSError: it cannot be listed.
    """
    return iter(()) if is_remote(address) else _unfinished(local_path(address))


def delete_empty_folders(address: str, before_ns: int, is_ours: Callable[[str], bool]) -> None:
    """Delete the sub-folders that hold no file at any depth and were not changed since a time.

    Args:
        address: of the folder, which itself stays.
        before_ns: nanoseconds since 1970, by the clock of the folder's file system.
        is_ours: returns whether a folder of this name may be deleted.

    Raises:
        OSError: a folder cannot be listed or deleted.
    """
    if is_remote(address):
        return
    with contextlib.suppress(FileNotFoundError):
        for each in [*os.scandir(local_path(address))]:
            ours = is_ours(each.name) and each.is_dir(follow_symlinks=False)
            if ours and _is_empty(each.path, before_ns):
                _delete_folders(each.path)


def _is_empty(folder: str, before_ns: int) -> bool:
    """Return whether a folder holds only old folders, and no file."""
    for above, _, files in os.walk(folder):
        if files or Path(above).stat().st_mtime_ns >= before_ns:
            return False
    return True


def _delete_folders(folder: str) -> None:
    # rmdir keeps a folder that got a file meanwhile.
    with contextlib.suppress(OSError):
        for above, _, _ in os.walk(folder, topdown=False):
            Path(above).rmdir()
