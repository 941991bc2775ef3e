"""Beam's runners: the options for one machine, and the options that remote workers need.

These options are checked before anything starts. Beam itself checks them after a component has been
scheduled, has pulled its image and has imported TensorFlow, and some only when a worker fails.
"""

from collections.abc import Sequence

RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Named explicitly, because Beam's `DirectRunner` first tries to download another runner, the
program Prism: the runner would depend on whether the download succeeds."""

PORTABLE = "customer_age.components.beam_elsewhere.portable_runner.PortableRunner"
"""Our runner, which replaces Beam's `PortableRunner`."""

LARGE = 100_000
"""Rows from which processes are used instead of threads. Threads start faster, and Pillow decodes
in several threads at once; but only processes share the other work for each photo."""

IMAGE = "--sdk_container_image"

MAX_SILENCE = "--max_silent_seconds"
"""Our own option for jobs on a job server; see `portable_runner`."""

_NEEDED = {
    "dataflow": ("--project", "--region", "--temp_location"),
    "flink": ("--flink_master",),
    # Without it Beam starts its own job server with Docker.
    "portable": ("--job_endpoint",),
}
"""The required options of a runner, by its short name."""

_LOCAL = ("direct", "bundlebaseddirect", "switchingdirect", "fnapi", "prism")


def options(workers: int, further: Sequence[str], image: str = "") -> list[str]:
    """Return Beam's options, for this machine unless they name a runner with remote workers.

    Args:
        workers: threads, or processes for large data, on this machine.
        further: options that override ours, such as another `--runner`.
        image: the container image with this code, for remote workers; empty if unknown.
    """
    if not is_local(further):
        # Without an image TFX packages its own sources for the workers, but not ours.
        ours = [f"{IMAGE}={image}"] if image and value(further, IMAGE) is None else []
        return [*map(_watched, further), *ours]
    local = [] if value(further, "--runner") else [f"--runner={RUNNER}"]
    return [
        *local,
        f"--direct_num_workers={workers}",
        # Without it each component packages 45 MB of sources for workers that do not exist.
        f"{IMAGE}=none",
        *further,
    ]


def _watched(option: str) -> str:
    """Replace Beam's `PortableRunner` by our runner."""
    portable = option.startswith("--runner=") and runner([option]) == "portable"
    return f"--runner={PORTABLE}" if portable else option


def sized(beam_args: Sequence[str], row_count: int) -> list[str]:
    """Add the running mode of the local runner: threads by default, processes for large data.

    Args:
        beam_args: Beam's options.
        row_count: number of rows to read.

    Returns:
        The options; unchanged if they name another runner or a mode.
    """
    ours = value(beam_args, "--runner") in (None, RUNNER)
    if row_count < LARGE or not ours or value(beam_args, "--direct_running_mode"):
        return list(beam_args)
    return [*beam_args, "--direct_running_mode=multi_processing"]


def is_local(beam_args: Sequence[str]) -> bool:
    """Whether the runner that the options name works in processes of this machine."""
    return runner(beam_args) in _LOCAL


def runner(beam_args: Sequence[str]) -> str:
    """Return the short name of the runner: `direct`, `dataflow`, `flink`, `portable`."""
    named = (value(beam_args, "--runner") or RUNNER).rpartition(".")[2]
    return named.lower().removesuffix("runner")


def value(beam_args: Sequence[str], name: str) -> str | None:
    """Return the value of an option, from the last `--name=value`; None if it is not set."""
    pairs = [arg.partition("=") for arg in beam_args]
    return next((text for option, _, text in reversed(pairs) if option == name), None)


def complaint(beam_args: Sequence[str]) -> str | None:
    """Describe what is wrong with options, in one line.

    Args:
        beam_args: Beam's options from the settings.

    Returns:
        The complaint; None if no fault is known.
    """
    for arg in beam_args:
        if not arg.startswith("--"):
            return f"{arg!r} is not a valid option; write each option as --name=value"
    if "--runner" in beam_args:
        return "--runner has no value; write it as --runner=DataflowRunner"
    kind = runner(beam_args)
    missing = [name for name in _NEEDED.get(kind, ()) if not value(beam_args, name)]
    if missing:
        named = value(beam_args, "--runner")
        return f"--runner={named} also needs {', '.join(missing)}; see docs/beam.md"
    silence = value(beam_args, MAX_SILENCE)
    if silence is not None and not (silence.isascii() and silence.isdigit() and int(silence)):
        return f"{MAX_SILENCE}={silence}: is not a valid number of seconds"
    return _dataflow(beam_args) if kind == "dataflow" else _portable(beam_args)


def complaint_of_cluster(
    beam_args: Sequence[str], image: str, pipeline_root: str, in_place: Sequence[str]
) -> str | None:
    """Describe what workers on other machines would lack, in one line.

    Args:
        beam_args: Beam's options from the settings.
        image: `cluster.image`.
        pipeline_root: `cluster.pipeline_root`; empty if nothing runs on a cluster.
        in_place: `cluster.in_place`.

    Returns:
        The complaint; None if no fault is known.
    """
    if is_local(beam_args):
        return None
    named = value(beam_args, "--runner")
    has_image = image or value(beam_args, IMAGE)
    if runner(beam_args) == "dataflow" and not has_image:
        return (
            f"beam.args: --runner={named} needs a container image with this code for its workers; "
            f"set cluster.image, or {IMAGE} in beam.args"
        )
    # Kubeflow copies artifacts that are not in place to the disk of the component's container.
    if pipeline_root and not (pipeline_root.startswith("gs://") and "gs://" in in_place):
        return (
            f"beam.args: on a cluster, the workers of --runner={named} can only open the artifacts "
            "if cluster.pipeline_root is on gs:// and cluster.in_place contains gs://"
        )
    return None


def _dataflow(beam_args: Sequence[str]) -> str | None:
    for name in ("--temp_location", "--staging_location"):
        folder = value(beam_args, name)
        if folder is not None and not folder.startswith("gs://"):
            return f"{name}={folder}: Dataflow needs a gs:// folder"
    if value(beam_args, IMAGE) == "none":
        return f"{IMAGE}=none: Dataflow's workers need the image with this code"
    return None


def _portable(beam_args: Sequence[str]) -> str | None:
    external = value(beam_args, "--environment_type") == "EXTERNAL"
    if external and not value(beam_args, "--environment_config"):
        return (
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT, the address of a "
            "worker pool"
        )
    return None
