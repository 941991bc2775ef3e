"""What becomes of a run's batches when it has ended: pure functions, no clock.

A batch is judged by evidence against it alone: that its data were refused, with it as the only new
batch, while a run without it has trained since it was first tried. A run that failed is no
evidence, and neither is a refusal while no run at all gets through: the base set may be at fault.
"""

from collections.abc import Sequence

from .ledger.records import Batch, BatchState, Run, RunState, Verdict

FAILURES_BEFORE_HALVES = 3
"""Failures with the same batches, before the next runs take half of them each: what makes a run
fail may after all be in one of them."""


def attempts(runs: Sequence[Run], batch: str) -> int:
    """Return how many runs have had a batch among their new ones."""
    return sum(batch in run.new_batches for run in runs)


def since_learnt(runs: Sequence[Run], batch: str) -> Sequence[Run]:
    """Return the runs after the last one trained on a batch that was uploaded again since.

    Args:
        runs: of the ledger, the oldest first.
        batch: its name.
    """
    for place in range(len(runs) - 1, -1, -1):
        if batch in runs[place].new_batches and runs[place].state.trained:
            return runs[place + 1 :]
    return runs


def verdicts(
    state: RunState, batches: Sequence[Batch], reason: str, tries: int, runs: Sequence[Run]
) -> tuple[Verdict, ...]:
    """Judge a run's new batches.

    A run whose data were refused tells nothing of any one of several batches: the next runs take
    half of them each, and so on, until the guilty one is alone. It is set aside after `tries` such
    runs, the last of them with it alone, and once another run has trained meanwhile.

    Args:
        state: that the run ended in.
        batches: the run's new ones.
        reason: of the run's end, in one line.
        tries: the setting.
        runs: of the ledger, the oldest first, with this one.
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
    """Return how many runs with a batch have failed since the last one whose end said more."""
    failed = 0
    for run in reversed(since_learnt(runs, batch)):
        if batch not in run.new_batches:
            continue
        if run.state is RunState.DATA_REFUSED:
            break
        failed += 1
    return failed


def _others_got_through(runs: Sequence[Run], batch: str) -> bool:
    """Whether a run without a batch has trained since the first one with it was planned."""
    runs = since_learnt(runs, batch)
    tried = [run.planned_at for run in runs if batch in run.new_batches]
    return bool(tried) and any(
        run.state.trained
        and batch not in run.new_batches
        and run.ended_at is not None
        and run.ended_at >= tried[0]
        for run in runs
    )
