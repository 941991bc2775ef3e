"""How Beam runs on one machine, and when it is not to."""

from collections.abc import Sequence

RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Named, since Beam's `DirectRunner` first tries to fetch another runner, a program called Prism,
from the internet: what runs would depend on whether that succeeds."""

LARGE = 100_000
"""Rows. Threads are faster to start, and Pillow lets several decode at once; what each photo costs
beside its pixels, only processes share."""

IMAGE = "--sdk_container_image"

_LOCAL = ("direct", "bundlebaseddirect", "switchingdirect", "fnapi", "prism")


def options(workers: int, further: Sequence[str], image: str = "") -> list[str]:
    """Beam's options: for this machine, unless they name a runner with workers elsewhere.

    Args:
        workers: threads, or processes for large data, on this machine.
        further: options that come after, and win; such as another `--runner`.
        image: the container image with this code, for workers elsewhere; empty if unknown.
    """
    if not is_local(further):
        # Without an image TFX packs its own sources for the workers, and leaves out ours.
        ours = [f"{IMAGE}={image}"] if image and value(further, IMAGE) is None else []
        return [*further, *ours]
    local = [] if value(further, "--runner") else [f"--runner={RUNNER}"]
    return [
        *local,
        f"--direct_num_workers={workers}",
        # Without it each component packs 45 MB of sources for workers that do not exist.
        f"{IMAGE}=none",
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
    ours = value(beam_args, "--runner") in (None, RUNNER)
    if row_count < LARGE or not ours or value(beam_args, "--direct_running_mode"):
        return list(beam_args)
    return [*beam_args, "--direct_running_mode=multi_processing"]


def is_local(beam_args: Sequence[str]) -> bool:
    """Whether the runner that the options name works in this process, or in ones beside it."""
    return runner(beam_args) in _LOCAL


def runner(beam_args: Sequence[str]) -> str:
    """What the options call the runner, in short: `direct`, `dataflow`, `flink`, `portable`."""
    named = (value(beam_args, "--runner") or RUNNER).rpartition(".")[2]
    return named.lower().removesuffix("runner")


def value(beam_args: Sequence[str], name: str) -> str | None:
    """What the options say under a name: the last `--name=value`; None where it is not there."""
    said = [arg.partition("=") for arg in beam_args]
    return next((what for option, _, what in reversed(said) if option == name), None)
