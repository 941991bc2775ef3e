"""All checks, in the order of their output."""

import concurrent.futures
from collections.abc import Iterator

from ..settings.settings import Settings
from . import host, isolated_check
from .finding import Finding


def run_checks(settings: Settings) -> Iterator[Finding]:
    """Check the machine, and what the settings refer to.

    Nothing is created, written or published.

    Yields:
        Findings in order, each as soon as it is available.
    """
    # Imports take most of the time, and share few cores.
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        answers = [
            pool.submit(isolated_check.run_isolated, each, settings)
            for each in isolated_check.CHECKS
        ]
        yield host.python()
        yield host.glibc()
        yield host.tfx_line()
        yield host.memory()
        yield host.work_disk(settings.work_dir)
        yield host.temporary_disk()
        for answer in answers:
            yield from answer.result()
