"""Following a run to its end, a line for each change."""

import time
from collections.abc import Callable, Iterator

from customer_age.errors import RunError
from customer_age.pipeline.settings.cluster import COMPONENTS

from .runs import Runs, SubmittedRun

_INTERVAL = 10.0
_PATIENCE = 600.0
"""Seconds between two questions, and without an answer."""


def wait(
    runs: Runs,
    run_id: str,
    tell: Callable[[str], None],
    interval: float | None = None,
    patience: float = _PATIENCE,
) -> SubmittedRun:
    """Wait for a run's end.

    Args:
        runs: where it runs.
        run_id: of it.
        tell: called with a line for each change of the run and of its components.
        interval: seconds between two questions; by default ten.
        patience: seconds that the service may be away.

    Raises:
        RunError: the run is gone, or the service is away for too long.
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
                tell(f"no answer for now, trying on: {error}")
            complained = True
        else:
            answered, complained = time.monotonic(), False
            if run is None:
                raise RunError(f"run {run_id} is gone: someone deleted it")
            for name, state in _states(run):
                if shown.get(name) != state:
                    shown[name] = state
                    tell(f"{time.strftime('%H:%M:%S')} {name}: {state}")
            if run.finished:
                return run
        time.sleep(_INTERVAL if interval is None else interval)


def _states(run: SubmittedRun) -> Iterator[tuple[str, str]]:
    """Of the components, in the order of the graph, and then of the run."""
    for name in COMPONENTS:
        if name in run.tasks:
            yield name, run.tasks[name]
    yield run.run_id, run.state
