"""From whatever a library raised to one clear line and an exit code."""

from pathlib import Path

from customer_age.errors import RunError, causes, full_disk

from .interruption import interrupted

_KEPT = "What was finished is kept; the same command goes on from there"

_MORE_SPACE = "free some, or choose another --work-dir or TMPDIR"


def explained(
    error: BaseException,
    node_id: str | None,
    log: Path | str,
    more_space: str = _MORE_SPACE,
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
    if (full := full_disk(error)) is not None:
        return RunError(f"{stage}: {no_space(full, more_space)}")
    text = " ".join(str(error).split()) or type(error).__name__
    shortened = text if len(text) <= 300 else f"{text[:300]}..."
    return RunError(f"{stage} failed: {type(error).__name__}: {shortened} (details: {log})")


def no_space(error: BaseException, more_space: str = _MORE_SPACE) -> str:
    """Describe a full disk.

    Args:
        error: as `errors.full_disk` gives it.
        more_space: what to do.
    """
    file = getattr(error, "filename", None)
    where = f" for {file}" if file else ""
    return f"no space left on the disk{where}; {more_space}. Nothing half-written will be used"
