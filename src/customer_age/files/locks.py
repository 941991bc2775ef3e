"""Locks between the processes of one machine: filelock's, on a file that stays where it is.

The system lets go of a lock when the process that holds it ends, however it ends. A process that
was forked from it holds nothing.
"""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import SettingsError

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}
"""What a file system answers that has no locks, such as some network and object store mounts."""


@contextlib.contextmanager
def held(lock_file: Path, setting: str, patience: float = 0) -> Iterator[bool]:
    """Hold a lock while the block runs; gives whether it is held, or another process has it.

    What the lock file holds is the caller's, and left as it is.

    Args:
        lock_file: made where it is missing, and never deleted.
        setting: that names its folder, for the error message.
        patience: seconds to wait for who has it; `math.inf` for as long as it takes.

    Raises:
        SettingsError: the folder's file system has no locks, or the file cannot be opened.
    """
    from filelock import FileLock, Timeout

    # Its own way out, a file that exists or not, would keep no other program out, and would stay
    # locked when its holder is killed.
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
    return f"{lock_file} cannot be locked ({error.strerror}): name a folder that can be written"
