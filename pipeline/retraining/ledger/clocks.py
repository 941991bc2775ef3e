"""Keeps a clock that was set back from lengthening a wait or a hold, or reordering runs.

The times in a ledger come from the clocks of the machines that write in it. A time in the future
was written before a clock was set back, or by a machine with a wrong clock.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from .database import BATCHES, RUNS

_SKEW = timedelta(minutes=5)
"""How much the clocks of several machines may differ."""

_WAITED_FROM = (BATCHES.c.found_at, BATCHES.c.tried_at, RUNS.c.ended_at)


def set_back(connection: Connection, pipeline: str, moment: datetime) -> bool:
    """Restart all waits that began in the future; return whether there was one."""
    changed = 0
    for column in _WAITED_FROM:
        table = column.table
        changed += connection.execute(
            update(table)
            .where(table.c.pipeline == pipeline, column > moment + _SKEW)
            .values({column: moment})
        ).rowcount
    return bool(changed)


def is_free(held_until: Any, moment: datetime, seconds: float) -> ColumnElement[bool]:
    """Return the condition that a row is free, or that its hold began before a clock was set back.

    Args:
        held_until: the row's column.
        moment: the current time.
        seconds: how long such rows are held.
    """
    latest = moment + timedelta(seconds=seconds) + _SKEW
    return held_until.is_(None) | (held_until <= moment) | (held_until > latest)


def next_planned(connection: Connection, pipeline: str, moment: datetime) -> datetime:
    """Return the time at which a run is planned: now, but after all runs planned before it."""
    planned = select(func.max(RUNS.c.planned_at)).where(RUNS.c.pipeline == pipeline)
    last = connection.scalar(planned)
    return moment if last is None else max(moment, last + timedelta(microseconds=1))
