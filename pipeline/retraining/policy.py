"""When a run starts, with which batches, and what becomes of them: pure functions, no clock."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..settings.retraining import RetrainingSettings
from .ledger.records import Batch, BatchState, Run, RunState, Verdict


@dataclass(frozen=True)
class Drift:
    """How far new photos are from those that the champion learnt from.

    Attributes:
        distance: the largest one, 0 to 1.
        feature: that it was found in.
        photos: new ones that were measured.
    """

    distance: float
    feature: str
    photos: int


@dataclass(frozen=True)
class Decision:
    """What is to be done now.

    Attributes:
        batches: to start a run with; none: no run.
        why: in a sentence.
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
    """Decide whether a run starts; call it only where none is active.

    Batches of a run that failed come first, once they have waited; they were due before.

    Args:
        batches: of the ledger.
        present: names of the folders in the inbox.
        runs: of the ledger, the oldest first.
        settings: the policy.
        now: the time.
        drift: measures new batches, or gives None where it cannot; asked only when nothing else
            decides, as it takes a while.
    """
    in_inbox = set(present)
    waiting = [
        batch for batch in batches if batch.state == BatchState.WAITING and batch.name in in_inbox
    ]
    tried = _tried(waiting, settings, now)
    if tried:
        return Decision(_tried_why(tried, settings), tried)
    fresh = tuple(batch for batch in waiting if not batch.tries)
    if not fresh:
        later = f"; {_number(len(waiting), 'batch')} to be tried again later" if waiting else ""
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
    oldest = fresh[0]
    waited = (now - oldest.arrived_at) / timedelta(hours=1)
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
        f"{found} are not enough yet: {settings.min_photos:,} photos, or a wait of "
        f"{settings.max_wait_hours:g} hours, start a run"
    )


def data_window(
    batches: Sequence[Batch],
    present: Iterable[str],
    new: Sequence[Batch],
    settings: RetrainingSettings,
) -> tuple[str, ...]:
    """The batches that a run learns from, besides the base set.

    Args:
        batches: of the ledger.
        present: names of the folders in the inbox; what was taken away cannot be read again.
        new: of the run; they are always in.
        settings: `newest_batches` and `newest_days`.

    Returns:
        Their names, the oldest first.
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


def run_id(batches: Iterable[Batch]) -> str:
    """The id of a run: the same for the same batches at the same try, and for no others.

    Without anything random in it, a ledger that was lost finds its runs again at the target.
    """
    parts = sorted(f"{each.content} {each.arrived_at.timestamp()} {each.tries}" for each in batches)
    return f"retrain-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:12]}"


def verdicts(
    state: RunState, batches: Sequence[Batch], reason: str, tries: int
) -> tuple[Verdict, ...]:
    """What becomes of a run's new batches.

    A run that failed with several tells nothing of any one of them: the next runs take half of
    them each, and so on, until the guilty one is alone. It is set aside after `tries` runs, the
    last of them with it alone.

    Args:
        state: that the run ended in.
        batches: the run's new ones.
        reason: of the run's end, in one line.
        tries: the setting.
    """
    if state.trained:
        return tuple(Verdict(each.name, BatchState.LEARNT, each.tries) for each in batches)
    together = max(1, (len(batches) + 1) // 2)
    alone = len(batches) == 1
    ended = f"{state.value.replace('_', ' ')}: {reason}" if reason else state.value
    return tuple(
        Verdict(each.name, BatchState.SET_ASIDE, each.tries + 1, None, ended)
        if alone and each.tries + 1 >= tries
        else Verdict(each.name, BatchState.WAITING, each.tries + 1, together, ended)
        for each in batches
    )


def _tried(
    waiting: Sequence[Batch], settings: RetrainingSettings, now: datetime
) -> tuple[Batch, ...]:
    """Some of those that failed together, and have waited since."""
    pause = timedelta(hours=settings.retry_hours)
    due = [each for each in waiting if each.tried_at is not None and now - each.tried_at >= pause]
    if not due:
        return ()
    group = [each for each in due if each.run_id == due[0].run_id]
    return tuple(group[: due[0].together])


def _tried_why(batches: Sequence[Batch], settings: RetrainingSettings) -> str:
    first = batches[0]
    named = first.name if len(batches) == 1 else f"{len(batches)} batches"
    return f"another try with {named}, {first.tries} of {settings.tries} failed: {first.reason}"


def _cooling_down(runs: Sequence[Run], settings: RetrainingSettings, now: datetime) -> str:
    ends = [run.ended_at for run in runs if run.state.trained and run.ended_at is not None]
    if not ends:
        return ""
    left = max(ends) + timedelta(hours=settings.cool_down_hours) - now
    if left <= timedelta(0):
        return ""
    hours = left / timedelta(hours=1)
    return f"the last run ended a while ago only: {hours:.1f} hours of cool-down are left"


def _found(fresh: Sequence[Batch]) -> str:
    photos = sum(batch.photos for batch in fresh)
    return f"{_number(photos, 'new photo')} in {_number(len(fresh), 'batch')}"


def _by_arrival(batch: Batch) -> tuple[datetime, str]:
    return batch.arrived_at, batch.name


def _number(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
