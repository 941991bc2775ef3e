"""Reads batches and runs from the ledger's tables, and makes table rows from batches."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from .database import BATCHES, RUNS
from .records import Batch, BatchState, Run, RunState, Upload


def read_batches(connection: Connection, pipeline: str, *conditions: Any) -> list[Batch]:
    """Read batches of a pipeline, by arrival.

    Args:
        connection: a connection in a transaction.
        pipeline: the pipeline's name.
        conditions: conditions that must all be true.
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
        connection: a connection in a transaction.
        pipeline: the pipeline's name.
        conditions: conditions that must all be true.
    """
    rows = connection.execute(
        select(RUNS).where(RUNS.c.pipeline == pipeline, *conditions).order_by(RUNS.c.planned_at)
    ).all()
    in_these_runs = BATCHES.c.run_id.in_([row.run_id for row in rows])
    of_run = defaultdict(list)
    for batch in read_batches(connection, pipeline, in_these_runs):
        of_run[batch.run_id].append(batch)
    return [_run(row, of_run[row.run_id]) for row in rows]


def batch_row(batch: Batch) -> dict[str, Any]:
    """Return a batch's columns, except its pipeline and the time when it was found."""
    row = {**vars(batch), "upload": upload_text(batch.upload) if batch.upload else None}
    del row["found_at"]
    return row


def upload_text(upload: Upload) -> str:
    """Return an upload as the text of its column."""
    return json.dumps({**vars(upload), "arrived": upload.arrived.isoformat()})


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
        upload=_upload(row.upload) if row.upload else None,
        found_at=row.found_at,
    )


def _upload(text: str) -> Upload:
    kept = json.loads(text)
    return Upload(kept["place"], datetime.fromisoformat(kept["arrived"]), kept["content"])


def _run(row: Row, batches: Sequence[Batch]) -> Run:
    return Run(
        run_id=row.run_id,
        state=RunState(row.state),
        why=row.why,
        settings=row.settings,
        new_batches=tuple(json.loads(row.new_batches)),
        planned_at=row.planned_at,
        batches=tuple(batches),
        reason=row.reason,
        ended_at=row.ended_at,
        forgiven=bool(row.forgiven),
    )
