"""Locks between the processes of one machine: filelock's, on a lock file that is never deleted.

The operating system releases a lock when the process that holds it ends in any way. A process that
was forked from it does not hold the lock.
"""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import SettingsError

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}
"""The errors of file systems without locks, such as some network and object store mounts."""


@contextlib.contextmanager
def held(lock_file: Path, setting: str, patience: float = 0) -> Iterator[bool]:
    """Hold a lock while the block runs; yield False if another process holds it.

    The lock file's content belongs to the caller and is not changed.

    Args:
        lock_file: created if it is missing, and never deleted.
        setting: the setting that names its folder; part of the error.
        patience: seconds to wait for the lock; `math.inf` to wait without a limit.

    Raises:
        SettingsError: the folder's file system has no locks, or the file cannot be opened.
    """
    from filelock import FileLock, Timeout

    # filelock's fallback, a file that exists while the lock is held, would not stop other
    # programs, and would stay locked after its holder is killed.
    lock = FileLock(lock_file, fallback_to_soft=False, preserve_lock_file=True)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        pass
    except OSError as error:
        raise SettingsError(f"{setting}: {_complaint(lock_file, error)}") from error
    try:
        yield lock.is_locked
    finally:
        lock.release()


def _complaint(lock_file: Path, error: OSError) -> str:
    if error.errno in _NO_LOCKS:
        return (
            f"{lock_file.parent} is on a file system without locks ({error.strerror}), so two "
            "processes could write there at once: name a folder on a disk of this machine"
        )
    return f"{lock_file} cannot be locked ({error.strerror}): name a folder that can be written to"
