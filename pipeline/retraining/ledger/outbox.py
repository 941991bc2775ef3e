"""Keeps events in the ledger until they are sent."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from .clocks import is_free
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
        """Keep events, in the transaction that records their cause; skip those already kept."""
        for event in events:
            known = select(EVENTS.c.id).where(self._ours, EVENTS.c.id == event.id)
            if connection.execute(known).first() is None:
                row = {**vars(event), "data": json.dumps(event.data, ensure_ascii=False)}
                connection.execute(insert(EVENTS).values(pipeline=self._pipeline, **row))

    @explained
    def take(self, seconds: float, excluding: Collection[str] = ()) -> Event | None:
        """Take the oldest event that is not sent, not being sent and not dropped; None if none.

        Args:
            seconds: how long only the caller may send it; then another trigger may.
            excluding: ids of events to skip.
        """
        moment = self._clock()
        free = is_free(EVENTS.c.held_until, moment, seconds)
        unsent = (
            select(EVENTS)
            .where(self._ours, EVENTS.c.sent_at.is_(None), EVENTS.c.dead.is_(None), free)
            .where(EVENTS.c.id.not_in(excluding))
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
    def drop(self, event_id: str, reason: str) -> None:
        """Drop an event: it is never sent, but counted."""
        with self._database.transaction() as connection:
            connection.execute(
                update(EVENTS)
                .where(self._ours, EVENTS.c.id == event_id)
                .values(dead=reason[:255], held_until=None)
            )

    @explained
    def drop_older(self, moment: datetime, reason: str) -> int:
        """Drop unsent events that happened before a moment; return how many there were."""
        with self._database.transaction() as connection:
            unsent = (EVENTS.c.sent_at.is_(None), EVENTS.c.dead.is_(None))
            dropped = connection.execute(
                update(EVENTS)
                .where(self._ours, *unsent, EVENTS.c.happened_at < moment)
                .values(dead=reason[:255])
            )
            return int(dropped.rowcount)

    @explained
    def counts(self) -> dict[str, int]:
        """Return how many events wait (empty key) and how many were dropped for each reason."""
        reason = func.coalesce(EVENTS.c.dead, "")
        counted = (
            select(reason, func.count())
            .where(self._ours, EVENTS.c.sent_at.is_(None))
            .group_by(reason)
        )
        with self._database.transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(counted)}

    @explained
    def sent(self, event_id: str) -> None:
        """Record that the receiver has accepted an event."""
        sent = {"sent_at": self._clock()}
        with self._database.transaction() as connection:
            connection.execute(
                update(EVENTS).where(self._ours, EVENTS.c.id == event_id).values(sent)
            )
