"""How long retraining waits after runs that failed, and when it pauses: pure functions, no clock.

A failed run is no evidence against its batches: a registry, a quota or a node was missing. So the
wait doubles from one failure to the next, up to `retraining.max_retry_hours`. After
`FAILURES_BEFORE_PAUSE` runs in a row that did not train, retraining is paused (a circuit breaker):
a run then starts only after a cheap probe of the services that it needs has succeeded.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ..settings.retraining import RetrainingSettings
from .ledger.records import Pause, Run, RunState

FAILURES_BEFORE_PAUSE = 5
"""With the default settings, 15 hours after the first failure."""


def hours_after(failures: int, settings: RetrainingSettings) -> float:
    """Return the wait after this number of failures, in hours; 0 without a failure."""
    if not failures:
        return 0.0
    doubled = settings.retry_hours * 2.0 ** min(failures - 1, 60)
    return min(doubled, max(settings.max_retry_hours, settings.retry_hours))


def wait_after_failure(
    runs: Sequence[Run], settings: RetrainingSettings, now: datetime
) -> tuple[int, float]:
    """Return how many of the newest runs failed in a row, and the hours until the next may start.

    Args:
        runs: the runs of the ledger, the oldest first.
        settings: the policy.
        now: the current time.
    """
    failed = _last_in_a_row(runs, lambda run: run.state is RunState.FAILED)
    if not failed or failed[-1].ended_at is None:
        return 0, 0.0
    waited = (now - failed[-1].ended_at) / timedelta(hours=1)
    return len(failed), max(0.0, hours_after(len(failed), settings) - waited)


def pause(runs: Sequence[Run]) -> Pause | None:
    """Return the pause that the newest runs of a ledger cause, or None.

    Args:
        runs: the runs of the ledger, the oldest first.
    """
    untrained = _last_in_a_row(runs, lambda run: not run.state.trained)
    if len(untrained) < FAILURES_BEFORE_PAUSE:
        return None
    opener, last = untrained[FAILURES_BEFORE_PAUSE - 1], untrained[-1]
    if opener.ended_at is None:
        return None
    return Pause(opener.ended_at, len(untrained), last.reason, opener.run_id)


def _last_in_a_row(runs: Sequence[Run], counts: Callable[[Run], bool]) -> list[Run]:
    """Return the newest ended runs for which `counts` is true, the oldest of them first."""
    found: list[Run] = []
    for run in reversed(runs):
        if run.forgiven or not run.state.ended:
            continue
        if not counts(run):
            break
        found.insert(0, run)
    return found
