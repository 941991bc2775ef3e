"""What a clock that is set back may not do: lengthen a wait or a hold, or change the order of runs.

The times of a ledger come from the clocks of the processes that write in it. A time in the future
was written before a clock was set back, or by another machine whose clock is wrong.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from .database import BATCHES, RUNS

_SKEW = timedelta(minutes=5)
"""By which the clocks of several machines may differ."""

_WAITED_FROM = (BATCHES.c.found_at, BATCHES.c.tried_at, RUNS.c.ended_at)


def set_back(connection: Connection, pipeline: str, moment: datetime) -> bool:
    """Count waits from now on whose beginning lies ahead; gives whether there was one."""
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
    """Return whether nobody holds a row, or its holder began before the clock was set back.

    Args:
        held_until: the row's column.
        moment: the time.
        seconds: for which such rows are held.
    """
    latest = moment + timedelta(seconds=seconds) + _SKEW
    return held_until.is_(None) | (held_until <= moment) | (held_until > latest)


def next_planned(connection: Connection, pipeline: str, moment: datetime) -> datetime:
    """When a run is planned: now, and after each that was planned before it."""
    planned = select(func.max(RUNS.c.planned_at)).where(RUNS.c.pipeline == pipeline)
    last = connection.scalar(planned)
    return moment if last is None else max(moment, last + timedelta(microseconds=1))
