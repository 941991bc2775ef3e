"""Beam's options from the settings."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Mapping

from customer_age.components import beam_runners
from customer_age.components.beam_elsewhere import job_server
from customer_age.errors import SettingsError

from ..settings.settings import Settings


def beam_args(settings: Settings) -> list[str]:
    """Return Beam's options: threads in one process, unless the settings set another runner.

    PhotoExampleGen itself switches to processes for large data.
    """
    workers = settings.beam.workers or len(os.sched_getaffinity(0))
    return beam_runners.options(workers, settings.beam.args, settings.cluster.image)


def require_options(settings: Settings) -> None:
    """Check that Beam accepts the options and has the runner: during a run it would just exit.

    Imports Beam, without TensorFlow, if there are any options.

    Raises:
        SettingsError: a value has the wrong type for Beam, or the runner is unknown.
    """
    args = settings.beam.args
    if not args:
        return
    printed = io.StringIO()
    logging.disable(logging.WARNING)  # about options of other runners
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(printed):
            warnings.simplefilter("ignore")
            from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

            PipelineOptions(list(args)).get_all_options()
    except SystemExit:
        reason = " ".join(printed.getvalue().rpartition("error: ")[2].split())
        raise SettingsError(f"beam.args: Beam does not accept them: {reason}") from None
    finally:
        logging.disable(logging.NOTSET)
    known = {
        beam_runners.runner([f"--runner={name}"]) for name in StandardOptions.KNOWN_RUNNER_NAMES
    }
    named = beam_runners.value(args, "--runner") or beam_runners.RUNNER
    if "." not in named and beam_runners.runner(args) not in known:
        raise SettingsError(
            f"beam.args: --runner={named}: is not a runner of Beam; write DirectRunner, "
            "DataflowRunner, FlinkRunner, SparkRunner, PortableRunner, or module.Class of "
            "another one"
        )


def require_job_server(settings: Settings) -> None:
    """Check that the job server in the settings answers, before anything is imported or written.

    Raises:
        SettingsError: it does not answer.
    """
    if absent := job_server.absent_of(settings.beam.args):
        raise SettingsError(absent)


def require_addresses(settings: Settings, places: Mapping[str, str]) -> None:
    """Refuse paths on this machine that Dataflow's workers, on other machines, would use.

    Flink's workers may share a disk with this machine, so their paths are not checked.

    Args:
        settings: the settings with the runner.
        places: the paths and addresses that workers read or write, by setting or argument.

    Raises:
        SettingsError: one of them is a path.
    """
    if beam_runners.runner(settings.beam.args) != "dataflow":
        return
    for name, place in places.items():
        if "://" not in place or place.startswith("mlflow+sqlite:"):
            raise SettingsError(
                f"{name}: Dataflow's workers cannot reach {place}; use an address such as "
                "gs://bucket/folder, or remove --runner from beam.args"
            )
