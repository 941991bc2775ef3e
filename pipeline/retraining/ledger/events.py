"""Makes the events that users receive: ends of runs, and batches that were set aside or changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .records import Batch, BatchState, Event, Pause, Run, RunState, Verdict

_PREFIX = "customer-age"


def run_ended(
    run: Run, state: RunState, reason: str, ended: datetime, facts: dict[str, Any]
) -> Event:
    """Return the event of a run's end.

    Args:
        run: the run as it was planned.
        state: the state in which it ended.
        reason: why it ended, in one line, or empty.
        ended: the time of its end.
        facts: other facts, such as the version that was published.
    """
    return Event(
        id=f"{run.run_id}.{state.value}",
        type=f"{_PREFIX}.run.{state.value}",
        subject=run.run_id,
        happened_at=ended,
        data={
            "run_id": run.run_id,
            "state": state.value,
            "why_started": run.why,
            "reason": reason,
            "planned_at": run.planned_at.isoformat(),
            "ended_at": ended.isoformat(),
            "new_batches": list(run.new_batches),
            "new_photos": sum(batch.photos for batch in run.batches),
            **facts,
        },
    )


def paused(pause: Pause) -> Event:
    """Return the event that retraining is paused: too many runs in a row did not train."""
    return Event(
        id=f"{pause.opened_by}.paused",
        type=f"{_PREFIX}.retraining.paused",
        subject=pause.opened_by,
        happened_at=pause.since,
        data={"runs": pause.runs, "reason": pause.reason},
    )


def resumed(pause: Pause, run: Run, ended: datetime) -> Event:
    """Return the event that a run has trained again, which ends a pause."""
    return Event(
        id=f"{run.run_id}.resumed",
        type=f"{_PREFIX}.retraining.resumed",
        subject=run.run_id,
        happened_at=ended,
        data={"paused_since": pause.since.isoformat(), "runs": pause.runs},
    )


def set_aside(
    name: str, arrived: datetime, when: datetime, reason: str, tries: int, photos: int
) -> Event:
    """Return the event of a batch that no run will train on, unless it is offered again.

    Args:
        name: the batch's name.
        arrived: when it arrived; a batch that was offered again may be set aside again.
        when: when it was set aside.
        reason: why, in one line.
        tries: the number of runs that failed with it.
        photos: the number of its photos.
    """
    return Event(
        id=f"{name}.{arrived.timestamp():.0f}.set_aside",
        type=f"{_PREFIX}.batch.set_aside",
        subject=name,
        happened_at=when,
        data={"batch": name, "reason": reason, "tries": tries, "photos": photos},
    )


def batch_entered(batch: Batch, when: datetime) -> Event | None:
    """Return the event of a batch that was set aside as soon as it was found, or None."""
    if batch.state != BatchState.SET_ASIDE:
        return None
    return set_aside(batch.name, batch.arrived_at, when, batch.reason, 0, batch.photos)


def batches_changed(before: Sequence[Batch], after: Sequence[Batch], when: datetime) -> list[Event]:
    """Return an event for each trained batch that was uploaded again with different content.

    Args:
        before: batches that were in the ledger.
        after: batches that are entered, some of which replace those.
        when: when they were entered.
    """
    learnt = {batch.name: batch for batch in before if batch.state == BatchState.LEARNT}
    return [
        Event(
            id=f"{batch.name}.{batch.arrived_at.timestamp():.0f}.changed",
            type=f"{_PREFIX}.batch.changed",
            subject=batch.name,
            happened_at=when,
            data={
                "batch": batch.name,
                "photos": batch.photos,
                "photos_before": learnt[batch.name].photos,
                "learnt_by": learnt[batch.name].run_id,
            },
        )
        for batch in after
        if batch.name in learnt
    ]


def batches_judged(run: Run, verdicts: tuple[Verdict, ...], when: datetime) -> list[Event]:
    """Return an event for each batch that a run's end sets aside."""
    batches = {batch.name: batch for batch in run.batches}
    return [
        set_aside(
            verdict.name,
            batches[verdict.name].arrived_at,
            when,
            verdict.reason,
            verdict.tries,
            batches[verdict.name].photos,
        )
        for verdict in verdicts
        if verdict.state == BatchState.SET_ASIDE
    ]
