"""Beam's options, as the settings give them."""

import os

from customer_age.components import local_runner
from customer_age.pipeline.settings import Settings


def beam_args(settings: Settings) -> list[str]:
    """Beam's options: threads in one process, unless the settings name another runner.

    PhotoExampleGen takes processes for large data by itself.
    """
    workers = settings.beam.workers or len(os.sched_getaffinity(0))
    return local_runner.options(workers, settings.beam.args)
