"""From whatever a library raised to one clear line and an exit code."""

import errno
import sqlite3
from pathlib import Path

from customer_age.errors import RunError, causes

from .interruption import interrupted

_KEPT = "What was finished is kept; the same command goes on from there"

_FULL_DISK = ("no space left on device", "database or disk is full", "disk quota exceeded")


def explained(
    error: BaseException,
    node_id: str | None,
    log: Path | str,
    more_space: str = "free some, or choose another --work-dir or TMPDIR",
) -> RunError:
    """What to tell a person.

    Args:
        error: as it reached the runner.
        node_id: of the component that was running, if one was.
        log: where the traceback is.
        more_space: what to do where the disk is full.

    Returns:
        The error that our own code raised, if it is one; a full disk by its name; else the
        library's own first line and the place of the log.
    """
    stage = node_id or "the run"
    for cause in causes(error):
        if isinstance(cause, KeyboardInterrupt):
            return interrupted(cause, node_id or "", _KEPT)
        if isinstance(cause, RunError):
            return cause
    for cause in causes(error):
        if _is_full_disk(cause):
            return RunError(
                f"{stage}: no space left on the disk; {more_space}. "
                "Nothing half-written will be used"
            )
    text = " ".join(str(error).split()) or type(error).__name__
    shortened = text if len(text) <= 300 else f"{text[:300]}..."
    return RunError(f"{stage} failed: {type(error).__name__}: {shortened} (details: {log})")


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return True
    return any(sign in str(error).lower() for sign in _FULL_DISK)
