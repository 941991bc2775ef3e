"""Decides when a run starts, and with which batches: pure functions, no clock."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..settings.retraining import RetrainingSettings
from . import back_off
from .judgement import attempts
from .ledger.records import Batch, BatchState, Run


@dataclass(frozen=True)
class Drift:
    """How far new photos are from those that the champion was trained on.

    Attributes:
        distance: the largest distance of all features, 0 to 1.
        feature: the feature with the largest distance.
        photos: the number of new photos that were measured.
    """

    distance: float
    feature: str
    photos: int


@dataclass(frozen=True)
class Decision:
    """Whether a run starts now.

    Attributes:
        why: the reason, in a sentence.
        batches: the batches of the run to start; empty: no run.
    """

    why: str
    batches: tuple[Batch, ...] = ()


def decide(
    batches: Sequence[Batch],
    present: Iterable[str],
    runs: Sequence[Run],
    settings: RetrainingSettings,
    now: datetime,
    drift: Callable[[Sequence[Batch]], Drift | None] = lambda _: None,
) -> Decision:
    """Decide whether a run starts; call it only if no run is active.

    Batches of a run that did not train come first after their wait, unless the last run had them:
    then new batches come first, so that no batch blocks the others.

    Args:
        batches: the batches of the ledger.
        present: names of the folders in the inbox.
        runs: the runs of the ledger, the oldest first.
        settings: the policy.
        now: the current time.
        drift: measures new batches, or returns None if it cannot; called only if no other rule
            decides, as it is slow.
    """
    in_inbox = set(present)
    waiting = [
        batch for batch in batches if batch.state == BatchState.WAITING and batch.name in in_inbox
    ]
    failures, hours = back_off.wait_after_failure(runs, settings, now)
    if waiting and hours:
        ran = "the last run failed" if failures == 1 else f"the last {failures} runs failed"
        return Decision(f"{ran}: the next may start in {hours:.1f} hours")
    tried = _tried(waiting, runs, settings, now)
    fresh = tuple(batch for batch in waiting if batch.tried_at is None)
    on_new = _decide_on_fresh(fresh, runs, settings, now, drift, len(waiting))
    if tried and not (on_new.batches and _had_them_last(runs, tried)):
        return Decision(_tried_why(tried, settings), tried)
    return on_new


def _decide_on_fresh(
    fresh: tuple[Batch, ...],
    runs: Sequence[Run],
    settings: RetrainingSettings,
    now: datetime,
    drift: Callable[[Sequence[Batch]], Drift | None],
    waiting: int,
) -> Decision:
    if not fresh:
        later = f"; {_number(waiting, 'batch')} will be tried again later" if waiting else ""
        return Decision(f"no new photos{later}")
    resting = _cooling_down(runs, settings, now)
    if resting:
        return Decision(f"{_found(fresh)}, but {resting}")
    return _decide_on_new(fresh, settings, now, drift)


def _decide_on_new(
    fresh: tuple[Batch, ...],
    settings: RetrainingSettings,
    now: datetime,
    drift: Callable[[Sequence[Batch]], Drift | None],
) -> Decision:
    found = _found(fresh)
    if sum(batch.photos for batch in fresh) >= settings.min_photos:
        return Decision(f"{found}: retraining.min_photos is {settings.min_photos:,}", fresh)
    oldest = min(fresh, key=_waiting_since)
    waited = (now - _waiting_since(oldest)) / timedelta(hours=1)
    if waited >= settings.max_wait_hours:
        limit = f"retraining.max_wait_hours is {settings.max_wait_hours:g}"
        return Decision(f"{found}, {oldest.name} waiting for {waited:.1f} hours: {limit}", fresh)
    measured = drift(fresh) if settings.max_drift is not None else None
    if measured is not None and settings.max_drift is not None:
        measurement = (
            f"drift of {measured.feature} {measured.distance:.3f} on {measured.photos} photos"
        )
        limit = f"retraining.max_drift is {settings.max_drift:g}"
        if measured.distance > settings.max_drift:
            return Decision(f"{found}, {measurement}: {limit}", fresh)
        found = f"{found}, {measurement}"
    return Decision(
        f"{found} are not enough yet: a run starts with {settings.min_photos:,} photos, or after "
        f"a wait of {settings.max_wait_hours:g} hours"
    )


def data_window(
    batches: Sequence[Batch],
    present: Iterable[str],
    new: Sequence[Batch],
    settings: RetrainingSettings,
) -> tuple[str, ...]:
    """Return the batches that a run trains on, in addition to the base set.

    Args:
        batches: the batches of the ledger.
        present: names of the folders in the inbox; a batch that was removed cannot be read again.
        new: the run's new batches, which are always included.
        settings: the policy; `newest_batches` and `newest_days` are used.

    Returns:
        The names of the batches, the oldest first.
    """
    in_inbox, fresh = set(present), {batch.name for batch in new}
    learnt = [
        batch
        for batch in batches
        if batch.state == BatchState.LEARNT and batch.name in in_inbox and batch.name not in fresh
    ]
    every = sorted([*learnt, *new], key=_by_arrival)
    newest = every[-1].arrived_at
    kept = every
    if settings.newest_batches is not None:
        kept = every[max(0, len(every) - settings.newest_batches) :]
    if settings.newest_days is not None:
        start = newest - timedelta(days=settings.newest_days)
        kept = [batch for batch in kept if batch.arrived_at >= start]
    names = {batch.name for batch in kept} | fresh
    return tuple(batch.name for batch in every if batch.name in names)


def run_id(batches: Iterable[Batch], runs: Sequence[Run]) -> str:
    """Return the id of a run: equal only for the same batches at the same attempt.

    The id has no random part, so a ledger that was lost finds its runs again at the target.

    Args:
        batches: the run's new batches.
        runs: the runs of the ledger; each run that had a batch as a new one is an attempt.
    """
    parts = sorted(
        f"{each.content} {each.arrived_at.timestamp()} {attempts(runs, each.name)}"
        for each in batches
    )
    return f"retrain-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def _tried(
    waiting: Sequence[Batch], runs: Sequence[Run], settings: RetrainingSettings, now: datetime
) -> tuple[Batch, ...]:
    """Return batches of one run that did not train, if they have waited long enough since then."""

    def due(batch: Batch) -> bool:
        hours = back_off.hours_after(attempts(runs, batch.name) or 1, settings)
        return batch.tried_at is not None and now - batch.tried_at >= timedelta(hours=hours)

    found = sorted(filter(due, waiting), key=lambda each: (each.tried_at, _by_arrival(each)))
    if not found:
        return ()
    group = [each for each in found if each.run_id == found[0].run_id]
    return tuple(group[: group[0].together])


def _had_them_last(runs: Sequence[Run], batches: Sequence[Batch]) -> bool:
    """Return whether the newest run had some of these batches and did not train."""
    ended = [run for run in runs if run.state.ended]
    names = {batch.name for batch in batches}
    return bool(ended and not ended[-1].state.trained and names & set(ended[-1].new_batches))


def _tried_why(batches: Sequence[Batch], settings: RetrainingSettings) -> str:
    first = batches[0]
    named = first.name if len(batches) == 1 else f"{len(batches)} batches"
    refused = f", refused {first.tries} of {settings.tries} times" if first.tries else ""
    return f"another try with {named}{refused}: {first.reason}"


def _cooling_down(runs: Sequence[Run], settings: RetrainingSettings, now: datetime) -> str:
    ends = [run.ended_at for run in runs if run.state.trained and run.ended_at is not None]
    if not ends:
        return ""
    left = max(ends) + timedelta(hours=settings.cool_down_hours) - now
    if left <= timedelta(0):
        return ""
    hours = left / timedelta(hours=1)
    return f"retraining is cooling down for another {hours:.1f} hours"


def _found(fresh: Sequence[Batch]) -> str:
    photos = sum(batch.photos for batch in fresh)
    return f"{_number(photos, 'new photo')} in {_number(len(fresh), 'batch')}"


def _waiting_since(batch: Batch) -> datetime:
    """Return when a batch arrived, or was found if that is earlier: a clock may have been ahead."""
    return min(batch.arrived_at, batch.found_at or batch.arrived_at)


def _by_arrival(batch: Batch) -> tuple[datetime, str]:
    return batch.arrived_at, batch.name


def _number(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
