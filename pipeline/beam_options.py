"""Beam's options, as the settings give them."""

import os

from customer_age.pipeline.settings import Settings


def beam_args(settings: Settings) -> list[str]:
    """Beam's options: threads in one process, unless the settings name another runner."""
    workers = settings.beam.workers or len(os.sched_getaffinity(0))
    return [
        "--direct_running_mode=in_memory",
        f"--direct_num_workers={workers}",
        # Without it each component packs 45 MB of sources for workers that do not exist.
        "--sdk_container_image=none",
        *settings.beam.args,
    ]
