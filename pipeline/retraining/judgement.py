"""Decides the states of a run's batches after the run has ended: pure functions, no clock.

Only evidence against a batch itself counts: its data were refused while it was the only new batch,
and a run without it has trained since it was first tried. A failed run is not evidence. A refusal
while every run is refused is not evidence either: the base set may be the cause.
"""

from collections.abc import Sequence

from .ledger.records import Batch, BatchState, Run, RunState, Verdict

FAILURES_BEFORE_HALVES = 3
"""Failures with the same batches before the next runs take half of them each: one of the batches
may be the cause after all."""


def attempts(runs: Sequence[Run], batch: str) -> int:
    """Return how many runs had a batch among their new batches."""
    return sum(batch in run.new_batches for run in runs)


def since_trained(runs: Sequence[Run], batch: str) -> Sequence[Run]:
    """Return the runs after the last one that trained on a batch, which was then uploaded again.

    Args:
        runs: the runs of the ledger, the oldest first.
        batch: the batch's name.
    """
    for place in range(len(runs) - 1, -1, -1):
        if batch in runs[place].new_batches and runs[place].state.trained:
            return runs[place + 1 :]
    return runs


def verdicts(
    state: RunState, batches: Sequence[Batch], reason: str, tries: int, runs: Sequence[Run]
) -> tuple[Verdict, ...]:
    """Judge a run's new batches.

    If a run's data were refused, any of its new batches may be the cause: the next runs take half
    of them each, and so on, until the bad batch is alone. It is set aside after `tries` such runs,
    if it was alone in the last of them and another run has trained in the meantime.

    Args:
        state: the state in which the run ended.
        batches: the run's new batches.
        reason: why the run ended, in one line.
        tries: the setting `retraining.tries`.
        runs: the runs of the ledger, the oldest first, including this one.
    """
    if state.trained:
        return tuple(Verdict(each.name, BatchState.LEARNT, each.tries) for each in batches)
    ended = f"{state.value.replace('_', ' ')}: {reason}" if reason else state.value
    half = max(1, (len(batches) + 1) // 2)
    if state is RunState.FAILED:
        return tuple(
            Verdict(
                each.name,
                BatchState.WAITING,
                each.tries,
                half if _failures(runs, each.name) >= FAILURES_BEFORE_HALVES else len(batches),
                ended,
            )
            for each in batches
        )
    alone = len(batches) == 1
    return tuple(
        Verdict(each.name, BatchState.SET_ASIDE, each.tries + 1, None, ended)
        if alone and each.tries + 1 >= tries and _others_got_through(runs, each.name)
        else Verdict(each.name, BatchState.WAITING, each.tries + 1, half, ended)
        for each in batches
    )


def _failures(runs: Sequence[Run], batch: str) -> int:
    """Return how many runs with a batch have failed since one last trained on it or refused it."""
    failed = 0
    for run in reversed(since_trained(runs, batch)):
        if batch not in run.new_batches:
            continue
        if run.state is RunState.DATA_REFUSED:
            break
        failed += 1
    return failed


def _others_got_through(runs: Sequence[Run], batch: str) -> bool:
    """Return whether a run without a batch has trained since the first run with it was planned."""
    runs = since_trained(runs, batch)
    tried = [run.planned_at for run in runs if batch in run.new_batches]
    return bool(tried) and any(
        run.state.trained
        and batch not in run.new_batches
        and run.ended_at is not None
        and run.ended_at >= tried[0]
        for run in runs
    )
