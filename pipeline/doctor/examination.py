"""Every look, in the order in which the findings are told."""

import concurrent.futures
from collections.abc import Iterator

from customer_age.pipeline.doctor import host, probe
from customer_age.pipeline.doctor.finding import Finding
from customer_age.pipeline.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the machine, and at what the settings name.

    Nothing is made, written or published.

    Yields:
        Findings, each as soon as it and all before it are there.
    """
    # Most of the time goes to imports, which share few cores.
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as asking:
        answers = [asking.submit(probe.ask, each, settings) for each in probe.PROBES]
        yield host.python()
        yield host.glibc()
        yield host.tfx_line()
        yield host.memory()
        yield host.work_disk(settings.work_dir)
        yield host.temporary_disk()
        for answer in answers:
            yield from answer.result()
