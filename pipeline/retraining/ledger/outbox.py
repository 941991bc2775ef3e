"""What is still to be told: events that are kept with what they tell of, until they are sent."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from .database import EVENTS, Database, explained
from .records import Event


class Outbox:
    """The events of one pipeline."""

    def __init__(self, database: Database, pipeline: str, clock: Callable[[], datetime]):
        self._database = database
        self._clock = clock
        self._pipeline = pipeline
        self._ours = EVENTS.c.pipeline == pipeline

    def put(self, connection: Connection, events: Sequence[Event]) -> None:
        """Keep events, in the transaction that made them true; one that is kept already stays."""
        for event in events:
            known = select(EVENTS.c.id).where(self._ours, EVENTS.c.id == event.id)
            if connection.execute(known).first() is None:
                row = {**vars(event), "data": json.dumps(event.data, ensure_ascii=False)}
                connection.execute(insert(EVENTS).values(pipeline=self._pipeline, **row))

    @explained
    def take(self, since: datetime, seconds: float) -> Event | None:
        """Take the oldest event that nobody has sent or is sending.

        Args:
            since: older ones are left alone.
            seconds: for how long it is the caller's; then another one may send it.
        """
        moment = self._clock()
        free = EVENTS.c.held_until.is_(None) | (EVENTS.c.held_until <= moment)
        unsent = (
            select(EVENTS)
            .where(self._ours, EVENTS.c.sent_at.is_(None), EVENTS.c.happened_at >= since, free)
            .order_by(EVENTS.c.happened_at, EVENTS.c.id)
        )
        with self._database.transaction() as connection:
            row = connection.execute(unsent).first()
            if row is None:
                return None
            held = {"held_until": moment + timedelta(seconds=seconds)}
            connection.execute(update(EVENTS).where(self._ours, EVENTS.c.id == row.id).values(held))
            return Event(row.id, row.type, row.subject, row.happened_at, json.loads(row.data))

    @explained
    def sent(self, event_id: str) -> None:
        """Write down that an event has reached its receiver."""
        sent = {"sent_at": self._clock()}
        with self._database.transaction() as connection:
            connection.execute(
                update(EVENTS).where(self._ours, EVENTS.c.id == event_id).values(sent)
            )
