"""How Beam runs on one machine."""

from collections.abc import Sequence

RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Named, since Beam's `DirectRunner` first tries to fetch another runner, a program called Prism,
from the internet: what runs would depend on whether that succeeds."""

LARGE = 100_000
"""Rows. Threads are faster to start, and Pillow lets several decode at once; what each photo costs
beside its pixels, only processes share."""


def options(workers: int, further: Sequence[str]) -> list[str]:
    """Beam's options for this machine.

    Args:
        workers: threads, or processes for large data.
        further: options that come after, and win; such as another `--runner`.
    """
    local = [] if _says(further, "--runner") else [f"--runner={RUNNER}"]
    return [
        *local,
        f"--direct_num_workers={workers}",
        # Without it each component packs 45 MB of sources for workers that do not exist.
        "--sdk_container_image=none",
        *further,
    ]


def sized(beam_args: Sequence[str], row_count: int) -> list[str]:
    """Add how the local runner works: threads, as it does by itself, or processes for large data.

    Args:
        beam_args: Beam's options.
        row_count: of what is to be read.

    Returns:
        The options; as they were, where they name another runner or a mode themselves.
    """
    local = f"--runner={RUNNER}" in beam_args or not _says(beam_args, "--runner")
    if row_count < LARGE or not local or _says(beam_args, "--direct_running_mode"):
        return list(beam_args)
    return [*beam_args, "--direct_running_mode=multi_processing"]


def _says(beam_args: Sequence[str], name: str) -> bool:
    return any(arg.split("=")[0] == name for arg in beam_args)
