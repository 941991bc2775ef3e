"""Beam's runners: how Beam runs on one machine, and what runners with workers elsewhere need.

What they need is checked before anything starts. Beam itself checks when a component has been
scheduled, has pulled its image and has imported TensorFlow; some of it only when a worker fails.
"""

from collections.abc import Sequence

RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Named, since Beam's `DirectRunner` first tries to fetch another runner, a program called Prism,
from the internet: what runs would depend on whether that succeeds."""

PORTABLE = "customer_age.components.beam_elsewhere.portable_runner.PortableRunner"
"""Beam's `PortableRunner`, and ours in its place."""

LARGE = 100_000
"""Rows. Threads are faster to start, and Pillow lets several decode at once; what each photo costs
beside its pixels, only processes share."""

IMAGE = "--sdk_container_image"

MAX_SILENCE = "--max_silent_seconds"
"""Ours, of jobs on a job server; see `portable_runner`."""

_NEEDED = {
    "dataflow": ("--project", "--region", "--temp_location"),
    "flink": ("--flink_master",),
    # Without it Beam starts a job server of its own, with Docker.
    "portable": ("--job_endpoint",),
}
"""By the short name of a runner: the options that it cannot do without."""

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
        return [*map(_watched, further), *ours]
    local = [] if value(further, "--runner") else [f"--runner={RUNNER}"]
    return [
        *local,
        f"--direct_num_workers={workers}",
        # Without it each component packs 45 MB of sources for workers that do not exist.
        f"{IMAGE}=none",
        *further,
    ]


def _watched(option: str) -> str:
    """Name our runner where Beam's `PortableRunner` is meant."""
    portable = option.startswith("--runner=") and runner([option]) == "portable"
    return f"--runner={PORTABLE}" if portable else option


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
    pairs = [arg.partition("=") for arg in beam_args]
    return next((text for option, _, text in reversed(pairs) if option == name), None)


def complaint(beam_args: Sequence[str]) -> str | None:
    """Say what is wrong with options, in one line.

    Args:
        beam_args: Beam's options, as the settings give them.

    Returns:
        The complaint; None where nothing is known to be wrong.
    """
    for arg in beam_args:
        if not arg.startswith("--"):
            return f"{arg!r} is no option; write each as --name=value"
    if "--runner" in beam_args:
        return "--runner has no value; write it as --runner=DataflowRunner"
    kind = runner(beam_args)
    missing = [name for name in _NEEDED.get(kind, ()) if not value(beam_args, name)]
    if missing:
        named = value(beam_args, "--runner")
        return f"--runner={named} needs {', '.join(missing)} too; docs/beam.md tells what for"
    silence = value(beam_args, MAX_SILENCE)
    if silence is not None and not (silence.isascii() and silence.isdigit() and int(silence)):
        return f"{MAX_SILENCE}={silence}: is not a valid number of seconds"
    return _dataflow(beam_args) if kind == "dataflow" else _portable(beam_args)


def complaint_of_cluster(
    beam_args: Sequence[str], image: str, pipeline_root: str, in_place: Sequence[str]
) -> str | None:
    """Say what workers on other machines would lack, in one line.

    Args:
        beam_args: Beam's options, as the settings give them.
        image: `cluster.image`.
        pipeline_root: `cluster.pipeline_root`; empty where nothing runs on a cluster.
        in_place: `cluster.in_place`.

    Returns:
        The complaint; None where nothing is known to be wrong.
    """
    if is_local(beam_args):
        return None
    named = value(beam_args, "--runner")
    has_image = image or value(beam_args, IMAGE)
    if runner(beam_args) == "dataflow" and not has_image:
        return (
            f"beam.args: --runner={named} needs an image with this code for its workers; set "
            f"cluster.image, or {IMAGE} in beam.args"
        )
    # Kubeflow copies what is not in place to the disk of the component's own container.
    if pipeline_root and not (pipeline_root.startswith("gs://") and "gs://" in in_place):
        return (
            f"beam.args: on a cluster, the workers of --runner={named} reach the artifacts only "
            "where cluster.pipeline_root is on gs:// and cluster.in_place holds gs://"
        )
    return None


def _dataflow(beam_args: Sequence[str]) -> str | None:
    for name in ("--temp_location", "--staging_location"):
        folder = value(beam_args, name)
        if folder is not None and not folder.startswith("gs://"):
            return f"{name}={folder}: Dataflow takes a gs:// folder"
    if value(beam_args, IMAGE) == "none":
        return f"{IMAGE}=none: Dataflow's workers need the image with this code"
    return None


def _portable(beam_args: Sequence[str]) -> str | None:
    external = value(beam_args, "--environment_type") == "EXTERNAL"
    if external and not value(beam_args, "--environment_config"):
        return (
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT, where a worker "
            "pool listens"
        )
    return None
