"""What Beam's runners need to be told, checked before anything starts.

Beam itself checks when a component has been scheduled, has pulled its image and has imported
TensorFlow; some of it only when a worker fails.
"""

from collections.abc import Sequence

from . import beam_runners

_NEEDED = {
    "dataflow": ("--project", "--region", "--temp_location"),
    "flink": ("--flink_master",),
    # Without it Beam starts a job server of its own, with Docker.
    "portable": ("--job_endpoint",),
}


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
    runner = beam_runners.runner(beam_args)
    missing = [name for name in _NEEDED.get(runner, ()) if not beam_runners.value(beam_args, name)]
    if missing:
        named = beam_runners.value(beam_args, "--runner")
        return f"--runner={named} needs {', '.join(missing)} too; docs/beam.md tells what for"
    return _dataflow(beam_args) if runner == "dataflow" else _portable(beam_args)


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
    if beam_runners.is_local(beam_args):
        return None
    runner = beam_runners.value(beam_args, "--runner")
    named = image or beam_runners.value(beam_args, beam_runners.IMAGE)
    if beam_runners.runner(beam_args) == "dataflow" and not named:
        return (
            f"beam.args: --runner={runner} needs an image with this code for its workers; set "
            f"cluster.image, or {beam_runners.IMAGE} in beam.args"
        )
    # Kubeflow copies what is not in place to the disk of the component's own container.
    if pipeline_root and not (pipeline_root.startswith("gs://") and "gs://" in in_place):
        return (
            f"beam.args: on a cluster, the workers of --runner={runner} reach the artifacts only "
            "where cluster.pipeline_root is on gs:// and cluster.in_place holds gs://"
        )
    return None


def _dataflow(beam_args: Sequence[str]) -> str | None:
    for name in ("--temp_location", "--staging_location"):
        place = beam_runners.value(beam_args, name)
        if place is not None and not place.startswith("gs://"):
            return f"{name}={place}: Dataflow takes a gs:// folder"
    if beam_runners.value(beam_args, beam_runners.IMAGE) == "none":
        return f"{beam_runners.IMAGE}=none: Dataflow's workers need the image with this code"
    return None


def _portable(beam_args: Sequence[str]) -> str | None:
    external = beam_runners.value(beam_args, "--environment_type") == "EXTERNAL"
    if external and not beam_runners.value(beam_args, "--environment_config"):
        return (
            "--environment_type=EXTERNAL needs --environment_config=HOST:PORT, where a worker "
            "pool listens"
        )
    return None
