"""Beam's options, as the settings give them."""

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
    """Beam's options: threads in one process, unless the settings name another runner.

    PhotoExampleGen takes processes for large data by itself.
    """
    workers = settings.beam.workers or len(os.sched_getaffinity(0))
    return beam_runners.options(workers, settings.beam.args, settings.cluster.image)


def require_options(settings: Settings) -> None:
    """See that Beam reads the options and has the runner; else it ends the process in a run.

    Imports Beam, without TensorFlow, where there are any.

    Raises:
        SettingsError: a value is not of the kind that Beam takes, or Beam has no such runner.
    """
    args = settings.beam.args
    if not args:
        return
    said = io.StringIO()
    logging.disable(logging.WARNING)  # of options that are for other runners
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(said):
            warnings.simplefilter("ignore")
            from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

            PipelineOptions(list(args)).get_all_options()
    except SystemExit:
        reason = " ".join(said.getvalue().rpartition("error: ")[2].split())
        raise SettingsError(f"beam.args: Beam does not take them: {reason}") from None
    finally:
        logging.disable(logging.NOTSET)
    known = {
        beam_runners.runner([f"--runner={name}"]) for name in StandardOptions.KNOWN_RUNNER_NAMES
    }
    named = beam_runners.value(args, "--runner") or beam_runners.RUNNER
    if "." not in named and beam_runners.runner(args) not in known:
        raise SettingsError(
            f"beam.args: --runner={named}: Beam has no such runner; write DirectRunner, "
            "DataflowRunner, FlinkRunner, SparkRunner, PortableRunner, or another one's "
            "module.Class"
        )


def require_job_server(settings: Settings) -> None:
    """Look for the job server that the settings name, before anything is imported or written.

    Raises:
        SettingsError: none answers.
    """
    if absent := job_server.absent_of(settings.beam.args):
        raise SettingsError(absent)


def require_addresses(settings: Settings, places: Mapping[str, str]) -> None:
    """Refuse paths of this machine where Dataflow's workers, which are others, would use them.

    Flink's workers may share a disk with this machine, so theirs are not looked at.

    Args:
        settings: which name the runner.
        places: what the workers read or write, by the name of the setting or argument.

    Raises:
        SettingsError: a place is a path.
    """
    if beam_runners.runner(settings.beam.args) != "dataflow":
        return
    for name, place in places.items():
        if "://" not in place or place.startswith("mlflow+sqlite:"):
            raise SettingsError(
                f"{name}: Dataflow's workers cannot reach {place}; give an address, such as "
                "gs://bucket/folder, or leave --runner out of beam.args"
            )
