"""The ledger: what became of each batch and each run, whoever looks, and whatever dies.

Each method is one transaction, and no two of them run at once; see `ledger_tables`. A method that
comes too late, since another trigger was faster, changes nothing and says so.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from customer_age.components.errors import RunError
from customer_age.components.model_registry.explaining import explained_by
from customer_age.pipeline.retraining import announcements
from customer_age.pipeline.retraining.ledger_tables import BATCHES, EVENTS, RUNS, Database
from customer_age.pipeline.retraining.records import (
    Batch,
    BatchState,
    Event,
    Found,
    Run,
    Verdict,
)
from customer_age.pipeline.retraining.targets import RunState


def _told(error: Exception) -> RunError | None:
    if not isinstance(error, SQLAlchemyError | OSError):
        return None
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return RunError(f"the ledger (retraining.ledger) failed: {said[:300]}")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


class Ledger:
    """The batches and runs of one pipeline; several pipelines may share a database."""

    def __init__(self, uri: str, pipeline: str, clock: Callable[[], datetime] = now):
        """Say where the ledger is; nothing is opened yet.

        Args:
            uri: see `ledger_tables.Database`.
            pipeline: its name.
            clock: tells the time.

        Raises:
            SettingsError: the address is none that a ledger can have.
        """
        self._database = Database(uri)
        self._pipeline = pipeline
        self._clock = clock

    @explained_by(_told)
    def batches(self) -> list[Batch]:
        """Every batch, by arrival."""
        with self._database.transaction() as connection:
            return self._batches(connection)

    @explained_by(_told)
    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        with self._database.transaction() as connection:
            return self._runs(connection)

    @explained_by(_told)
    def active_run(self) -> Run | None:
        """The run that was planned and has not ended."""
        with self._database.transaction() as connection:
            return next(iter(self._runs(connection, RUNS.c.active)), None)

    @explained_by(_told)
    def forget_vanished(self, present: Collection[str]) -> list[str]:
        """Strike out batches that were taken away before a run learnt from them.

        What was the same as one of them is struck out with it: if it is still there, the next
        look finds it as a new batch.

        Args:
            present: names of all folders in the inbox.

        Returns:
            The names of those that were struck out.
        """
        with self._database.transaction() as connection:
            waiting = select(BATCHES.c.name).where(
                self._of(BATCHES), BATCHES.c.state == BatchState.WAITING, BATCHES.c.tries == 0
            )
            vanished = [name for (name,) in connection.execute(waiting) if name not in present]
            for name in vanished:
                connection.execute(
                    delete(BATCHES).where(
                        self._of(BATCHES), (BATCHES.c.name == name) | (BATCHES.c.same_as == name)
                    )
                )
            return vanished

    @explained_by(_told)
    def add(self, found: Iterable[Found], tell: bool = False) -> list[Batch]:
        """Enter batches that the inbox holds.

        One whose content is another batch's is set aside. One that was set aside is entered
        anew where it has arrived again; any other that is there already stays as it is.

        Args:
            found: complete batches.
            tell: keep an event for each that is set aside.

        Returns:
            Those that were entered.
        """
        found = sorted(found, key=lambda each: (each.arrived, each.name))
        if not found:
            return []
        with self._database.transaction() as connection:
            known = {batch.name: batch for batch in self._batches(connection)}
            contents = {batch.content: batch.name for batch in known.values() if batch.content}
            added = []
            for each in found:
                before = known.get(each.name)
                if before is not None and not _arrived_again(before, each):
                    continue
                if before is not None and before.content:
                    del contents[before.content]
                original = contents.get(each.content) if each.content else None
                batch = _entered(each, original)
                if batch.content:
                    contents[batch.content] = batch.name
                added.append(batch)
            again = [batch.name for batch in added if batch.name in known]
            if again:
                connection.execute(
                    delete(BATCHES).where(self._of(BATCHES), BATCHES.c.name.in_(again))
                )
            if added:
                rows = [
                    {"pipeline": self._pipeline, "found_at": self._clock(), **vars(batch)}
                    for batch in added
                ]
                connection.execute(insert(BATCHES), rows)
            if tell:
                events = (announcements.batch_entered(batch, self._clock()) for batch in added)
                self._tell(connection, [event for event in events if event is not None])
            return added

    @explained_by(_told)
    def plan(self, run_id: str, batches: Sequence[Batch], settings: str, why: str) -> Run | None:
        """Write a run down before it is started, and give it its batches.

        Args:
            run_id: of the run.
            batches: the new ones, as they were read from this ledger.
            settings: of the run, as JSON.
            why: the policy's reason, in a sentence.

        Returns:
            The run, or None where another trigger planned one or took a batch meanwhile.
        """
        names = [batch.name for batch in batches]
        with self._database.transaction() as connection:
            there = {batch.name: batch for batch in self._batches(connection)}
            unchanged = all(there.get(batch.name) == batch for batch in batches)
            known = and_(self._of(RUNS), RUNS.c.active | (RUNS.c.run_id == run_id))
            if not unchanged or connection.execute(select(RUNS.c.run_id).where(known)).first():
                return None
            connection.execute(
                insert(RUNS).values(
                    pipeline=self._pipeline,
                    run_id=run_id,
                    state=RunState.UNKNOWN.value,
                    active=True,
                    why=why,
                    settings=settings,
                    new_batches=json.dumps(names, ensure_ascii=False),
                    planned_at=self._clock(),
                )
            )
            connection.execute(
                update(BATCHES)
                .where(self._of(BATCHES), BATCHES.c.name.in_(names))
                .values(state=BatchState.TAKEN, run_id=run_id)
            )
            return self._runs(connection, RUNS.c.active)[0]

    @explained_by(_told)
    def hold(self, run_id: str, holder: str, seconds: float) -> bool:
        """Ask to be the only one that starts a run, for a time.

        Returns:
            Whether the caller is; not where another one is, or where the run has ended.
        """
        moment = self._clock()
        free = RUNS.c.held_until.is_(None) | (RUNS.c.held_until < moment)
        with self._database.transaction() as connection:
            taken = connection.execute(
                update(RUNS)
                .where(
                    self._of(RUNS),
                    RUNS.c.run_id == run_id,
                    RUNS.c.active,
                    free | (RUNS.c.held_by == holder),
                )
                .values(held_by=holder, held_until=moment + timedelta(seconds=seconds))
            )
            return bool(taken.rowcount)

    @explained_by(_told)
    def undo(self, run_id: str) -> None:
        """Strike out a run of which nothing was started, and give its batches back."""
        with self._database.transaction() as connection:
            if not any(run.run_id == run_id for run in self._runs(connection, RUNS.c.active)):
                return
            taken = BATCHES.c.run_id == run_id
            connection.execute(
                update(BATCHES)
                .where(self._of(BATCHES), taken)
                .values(state=BatchState.WAITING, run_id=None)
            )
            connection.execute(delete(RUNS).where(self._of(RUNS), RUNS.c.run_id == run_id))

    @explained_by(_told)
    def note(self, run_id: str, state: RunState) -> None:
        """Write down what a run that has not ended is doing."""
        with self._database.transaction() as connection:
            connection.execute(
                update(RUNS)
                .where(self._of(RUNS), RUNS.c.run_id == run_id, RUNS.c.active)
                .values(state=state.value)
            )

    @explained_by(_told)
    def settle(
        self,
        run_id: str,
        state: RunState,
        reason: str,
        verdicts: Sequence[Verdict],
        events: Sequence[Event] = (),
    ) -> bool:
        """Write down how a run ended, what becomes of its batches, and what is to be told.

        Returns:
            Whether this call did it; not where another trigger did before.
        """
        moment = self._clock()
        with self._database.transaction() as connection:
            ended = connection.execute(
                update(RUNS)
                .where(self._of(RUNS), RUNS.c.run_id == run_id, RUNS.c.active)
                .values(
                    state=state.value,
                    active=None,
                    reason=reason,
                    ended_at=moment,
                    held_by=None,
                    held_until=None,
                )
            )
            if not ended.rowcount:
                return False
            for verdict in verdicts:
                connection.execute(
                    update(BATCHES)
                    .where(
                        self._of(BATCHES),
                        BATCHES.c.name == verdict.name,
                        BATCHES.c.run_id == run_id,
                    )
                    .values(
                        state=verdict.state,
                        tries=verdict.tries,
                        tried_at=moment,
                        together=verdict.together,
                        reason=verdict.reason,
                    )
                )
            self._tell(connection, events)
            return True

    @explained_by(_told)
    def take_unsent(self, since: datetime, seconds: float) -> Event | None:
        """Take the oldest event that nobody has sent or is sending.

        Args:
            since: older ones are left alone.
            seconds: for how long it is the caller's; then another one may send it.
        """
        moment = self._clock()
        free = EVENTS.c.held_until.is_(None) | (EVENTS.c.held_until < moment)
        unsent = (
            select(EVENTS)
            .where(
                self._of(EVENTS),
                EVENTS.c.sent_at.is_(None),
                EVENTS.c.happened_at >= since,
                free,
            )
            .order_by(EVENTS.c.happened_at, EVENTS.c.id)
        )
        with self._database.transaction() as connection:
            row = connection.execute(unsent).first()
            if row is None:
                return None
            self._update_event(connection, row.id, held_until=moment + timedelta(seconds=seconds))
            return Event(row.id, row.type, row.subject, row.happened_at, json.loads(row.data))

    @explained_by(_told)
    def sent(self, event_id: str) -> None:
        """Write down that an event has reached its receiver."""
        with self._database.transaction() as connection:
            self._update_event(connection, event_id, sent_at=self._clock())

    def _of(self, table: Table) -> Any:
        return table.c.pipeline == self._pipeline

    def _batches(self, connection: Connection, *conditions: Any) -> list[Batch]:
        rows = connection.execute(
            select(BATCHES)
            .where(self._of(BATCHES), *conditions)
            .order_by(BATCHES.c.arrived_at, BATCHES.c.name)
        )
        return [_batch(row) for row in rows]

    def _runs(self, connection: Connection, *conditions: Any) -> list[Run]:
        rows = connection.execute(
            select(RUNS).where(self._of(RUNS), *conditions).order_by(RUNS.c.planned_at)
        ).all()
        batches = self._batches(connection, BATCHES.c.run_id.in_([row.run_id for row in rows]))
        return [_run(row, batches) for row in rows]

    def _tell(self, connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            known = select(EVENTS.c.id).where(self._of(EVENTS), EVENTS.c.id == event.id)
            if connection.execute(known).first() is None:
                row = {**vars(event), "data": json.dumps(event.data, ensure_ascii=False)}
                connection.execute(insert(EVENTS).values(pipeline=self._pipeline, **row))

    def _update_event(self, connection: Connection, event_id: str, **values: Any) -> None:
        connection.execute(
            update(EVENTS).where(self._of(EVENTS), EVENTS.c.id == event_id).values(**values)
        )


def _arrived_again(before: Batch, found: Found) -> bool:
    """Whoever has mended a batch that was set aside writes its `_SUCCESS` anew."""
    return before.state == BatchState.SET_ASIDE and found.arrived > before.arrived_at


def _entered(found: Found, original: str | None) -> Batch:
    """A batch as it is entered.

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
    )
