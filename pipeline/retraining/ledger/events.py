"""Notifications: the end of a run, and batches that were set aside or have changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .records import Batch, BatchState, Event, Pause, Run, RunState, Verdict

_PREFIX = "customer-age"


def run_ended(
    run: Run, state: RunState, reason: str, ended: datetime, facts: dict[str, Any]
) -> Event:
    """The end of a run.

    Args:
        run: as it was planned.
        state: that it ended in.
        reason: in one line, or empty.
        ended: when.
        facts: further ones, such as the version that was published.
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
    """Retraining is paused: too many runs in a row did not train."""
    return Event(
        id=f"{pause.opened_by}.paused",
        type=f"{_PREFIX}.retraining.paused",
        subject=pause.opened_by,
        happened_at=pause.since,
        data={"runs": pause.runs, "reason": pause.reason},
    )


def resumed(pause: Pause, run: Run, ended: datetime) -> Event:
    """A run has trained again, which ends a pause."""
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
    """A batch that no run will learn from, unless it is offered again.

    Args:
        name: of the batch.
        arrived: when; the same batch may be set aside again after it was offered again.
        when: it was set aside.
        reason: in one line.
        tries: runs that failed with it.
        photos: in it.
    """
    return Event(
        id=f"{name}.{arrived.timestamp():.0f}.set_aside",
        type=f"{_PREFIX}.batch.set_aside",
        subject=name,
        happened_at=when,
        data={"batch": name, "reason": reason, "tries": tries, "photos": photos},
    )


def batch_entered(batch: Batch, when: datetime) -> Event | None:
    """Something to tell where a batch was set aside as soon as it was found."""
    if batch.state != BatchState.SET_ASIDE:
        return None
    return set_aside(batch.name, batch.arrived_at, when, batch.reason, 0, batch.photos)


def batches_changed(before: Sequence[Batch], after: Sequence[Batch], when: datetime) -> list[Event]:
    """Return a notification for each trained batch that was uploaded again with other content.

    Args:
        before: batches that the ledger knew.
        after: batches that are entered, some of them in place of those.
        when: they were entered.
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
    """Something to tell for each batch that a run's end sets aside."""
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
