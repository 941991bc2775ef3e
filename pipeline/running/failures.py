"""Turns an exception of a library into one clear line and an exit code."""

from pathlib import Path

from customer_age.errors import RunError, causes, full_disk

from .interruption import interrupted

_KEPT = "Finished work is kept; the same command resumes from there"

_MORE_SPACE = "free some, or choose another --work-dir or TMPDIR"


def explained(
    error: BaseException,
    node_id: str | None,
    log: Path | str,
    more_space: str = _MORE_SPACE,
) -> RunError:
    """Describe an exception for the user.

    Args:
        error: the exception that reached the runner.
        node_id: the component that was running, if any.
        log: the log with the traceback.
        more_space: what to do if the disk is full.

    Returns:
        The error that our own code raised, if there is one; for a full disk, a message that says
        so; otherwise the library's message and the path of the log.
    """
    stage = node_id or "the run"
    for cause in causes(error):
        if isinstance(cause, KeyboardInterrupt):
            return interrupted(cause, node_id or "", _KEPT)
        if isinstance(cause, RunError):
            return cause
    if (full := full_disk(error)) is not None:
        return RunError(f"{stage}: {no_space(full, more_space)}")
    text = " ".join(str(error).split()) or type(error).__name__
    shortened = text if len(text) <= 300 else f"{text[:300]}..."
    return RunError(f"{stage} failed: {type(error).__name__}: {shortened} (details: {log})")


def no_space(error: BaseException, more_space: str = _MORE_SPACE) -> str:
    """Describe a full disk.

    Args:
        error: the result of `errors.full_disk`.
        more_space: what to do.
    """
    file = getattr(error, "filename", None)
    location = f" for {file}" if file else ""
    return f"no space left on the disk{location}; {more_space}. Incomplete files are never used"
