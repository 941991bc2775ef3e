"""Follow a run to its end, with a line for each change."""

import time
from collections.abc import Callable, Iterator

from customer_age.errors import RunError
from customer_age.pipeline.settings.cluster import COMPONENTS

from .runs import Runs, SubmittedRun

_INTERVAL = 10.0
_PATIENCE = 600.0
"""Seconds between two requests, and seconds to wait for a service that does not answer."""


def wait(
    runs: Runs,
    run_id: str,
    report: Callable[[str], None],
    interval: float | None = None,
    patience: float = _PATIENCE,
) -> SubmittedRun:
    """Wait for the end of a run.

    Args:
        runs: of the endpoint that runs it.
        run_id: of the run.
        report: is called with a line for each change of the run and of its components.
        interval: seconds between two requests; by default ten.
        patience: seconds that the service may stay unavailable.

    Raises:
        RunError: the run was deleted, or the service is unavailable for too long.
    """
    shown: dict[str, str] = {}
    answered, complained = time.monotonic(), False
    while True:
        try:
            run = runs.find(run_id)
        except RunError as error:
            if time.monotonic() - answered > patience:
                raise
            if not complained:
                report(f"the service does not answer at the moment, retrying: {error}")
            complained = True
        else:
            answered, complained = time.monotonic(), False
            if run is None:
                raise RunError(f"run {run_id} no longer exists: someone deleted it")
            for name, state in _states(run):
                if shown.get(name) != state:
                    shown[name] = state
                    report(f"{time.strftime('%H:%M:%S')} {name}: {state}")
            if run.finished:
                return run
        time.sleep(_INTERVAL if interval is None else interval)


def _states(run: SubmittedRun) -> Iterator[tuple[str, str]]:
    """Return the components' states, in the order of the graph, then the run's state."""
    for name in COMPONENTS:
        if name in run.tasks:
            yield name, run.tasks[name]
    yield run.run_id, run.state
