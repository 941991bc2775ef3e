"""Reads batches and runs from the ledger's tables, and makes the record of a batch just found."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from .database import BATCHES, RUNS
from .records import Batch, BatchState, FoundBatch, Run, RunState


def read_batches(connection: Connection, pipeline: str, *conditions: Any) -> list[Batch]:
    """Read batches of a pipeline, by arrival.

    Args:
        connection: in a transaction.
        pipeline: its name.
        conditions: all of which must hold.
    """
    rows = connection.execute(
        select(BATCHES)
        .where(BATCHES.c.pipeline == pipeline, *conditions)
        .order_by(BATCHES.c.arrived_at, BATCHES.c.name)
    )
    return [_batch(row) for row in rows]


def read_runs(connection: Connection, pipeline: str, *conditions: Any) -> list[Run]:
    """Read runs of a pipeline, the oldest first.

    Args:
        connection: in a transaction.
        pipeline: its name.
        conditions: all of which must hold.
    """
    rows = connection.execute(
        select(RUNS).where(RUNS.c.pipeline == pipeline, *conditions).order_by(RUNS.c.planned_at)
    ).all()
    in_these_runs = BATCHES.c.run_id.in_([row.run_id for row in rows])
    batches = read_batches(connection, pipeline, in_these_runs)
    return [_run(row, batches) for row in rows]


def arrived_again(earlier: Batch, found: FoundBatch) -> bool:
    """Whoever has mended a batch that was set aside writes its `_SUCCESS` anew."""
    return earlier.state == BatchState.SET_ASIDE and found.arrived > earlier.arrived_at


def entered(found: FoundBatch, original: str | None) -> Batch:
    """A found batch as it is entered.

    Args:
        found: in the inbox.
        original: the batch that has the same content, if there is one.
    """
    reason = found.problem
    if original is not None:
        reason = f"its photos and table are those of batch {original}"
    return Batch(
        name=found.name,
        state=BatchState.SET_ASIDE if reason else BatchState.WAITING,
        photos=found.photos,
        arrived_at=found.arrived,
        content=None if original is not None else found.content or None,
        same_as=original,
        reason=reason,
    )


def _batch(row: Row) -> Batch:
    return Batch(
        name=row.name,
        state=BatchState(row.state),
        photos=row.photos,
        arrived_at=row.arrived_at,
        content=row.content,
        same_as=row.same_as,
        run_id=row.run_id,
        tries=row.tries,
        tried_at=row.tried_at,
        together=row.together,
        reason=row.reason,
    )


def _run(row: Row, batches: Sequence[Batch]) -> Run:
    return Run(
        run_id=row.run_id,
        state=RunState(row.state),
        why=row.why,
        settings=row.settings,
        new_batches=tuple(json.loads(row.new_batches)),
        planned_at=row.planned_at,
        batches=tuple(batch for batch in batches if batch.run_id == row.run_id),
        reason=row.reason,
        ended_at=row.ended_at,
        forgiven=bool(row.forgiven),
    )
