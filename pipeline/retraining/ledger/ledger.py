"""The ledger: the state of each batch and each run, shared by all triggers and safe if they die.

Each method is one transaction, and no two of them run at once; see `database`. A method that is too
late, because another trigger was faster, changes nothing and returns that.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert, select, update

from . import clocks
from .arrivals import arrivals
from .database import BATCHES, RUNS, Database, explained
from .events import batch_entered, batches_changed
from .outbox import Outbox
from .queries import batch_row, read_batches, read_runs, upload_text
from .records import Batch, BatchState, Event, FoundBatch, Run, RunState, Verdict


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(timezone.utc)


class Ledger:
    """The batches and runs of one pipeline; several pipelines may share a database."""

    def __init__(self, uri: str, pipeline: str, clock: Callable[[], datetime] = now):
        """Set the ledger's address; nothing is opened yet.

        Args:
            uri: see `database.Database`.
            pipeline: the pipeline's name.
            clock: returns the current time.

        Raises:
            SettingsError: the address is not valid for a ledger.
        """
        self._database = Database(uri)
        self._pipeline = pipeline
        self._clock = clock
        self.outbox = Outbox(self._database, pipeline, clock)

    @explained
    def batches(self) -> list[Batch]:
        """Return all batches, by arrival."""
        with self._database.transaction() as connection:
            return read_batches(connection, self._pipeline)

    @explained
    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        with self._database.transaction() as connection:
            return read_runs(connection, self._pipeline)

    @explained
    def active_run(self) -> Run | None:
        """Return the run that was planned and has not ended, or None."""
        with self._database.transaction() as connection:
            return next(iter(read_runs(connection, self._pipeline, RUNS.c.active)), None)

    @explained
    def notice_clock_set_back(self) -> bool:
        """Restart all waits that began in the future; return whether there was one."""
        with self._database.transaction() as connection:
            return clocks.set_back(connection, self._pipeline, self._clock())

    @explained
    def forget_vanished(self, present: Collection[str]) -> list[str]:
        """Delete the entries of batches that were removed before any run used them.

        The entries of their copies are deleted with them: the next check finds a copy that is
        still in the inbox as a new batch.

        Args:
            present: names of all folders in the inbox.

        Returns:
            The names of the removed batches, without their copies.
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

    @explained
    def add(self, found: Iterable[FoundBatch], keep_events: bool = False) -> list[Batch]:
        """Enter batches of the inbox.

        A batch with the same content as another one is set aside. A batch that was set aside is
        entered again if it has arrived again. A batch that waits or was trained on is entered again
        if it was uploaded again with different content. Any other known batch does not change.

        Args:
            found: complete batches.
            keep_events: keep an event for each batch that is set aside, or that was trained on and
                has changed.

        Returns:
            The batches that were entered.
        """
        found = list(found)
        if not found:
            return []
        with self._database.transaction() as connection:
            result = arrivals(read_batches(connection, self._pipeline), found)
            self._delete(connection, result.replaced)
            moment = self._clock()
            key = {"pipeline": self._pipeline, "found_at": moment}
            for batch in result.entered:
                connection.execute(insert(BATCHES).values(**key, **batch_row(batch)))
            for name, upload in result.seen.items():
                connection.execute(
                    update(BATCHES)
                    .where(self._of(BATCHES), BATCHES.c.name == name)
                    .values(upload=upload_text(upload))
                )
            if keep_events:
                changed = batches_changed(result.replaced, result.entered, moment)
                events = (batch_entered(batch, moment) for batch in result.entered)
                aside = [event for event in events if event is not None]
                self.outbox.put(connection, [*changed, *aside])
            return list(result.entered)

    @explained
    def kept_drift(self, batch: str, key: str) -> dict[str, Any] | None:
        """Return a drift that was measured before, or None.

        Args:
            batch: the newest batch that was measured.
            key: digest of all that was measured.
        """
        with self._database.transaction() as connection:
            kept = connection.scalar(
                select(BATCHES.c.drift).where(self._of(BATCHES), BATCHES.c.name == batch)
            )
        found = json.loads(kept) if kept else {}
        return found["drift"] if found.get("key") == key else None

    @explained
    def keep_drift(self, batch: str, key: str, drift: Mapping[str, Any]) -> None:
        """Keep a drift with the newest batch that was measured; it replaces an earlier one."""
        kept = json.dumps({"key": key, "drift": dict(drift)})
        with self._database.transaction() as connection:
            connection.execute(
                update(BATCHES).where(self._of(BATCHES), BATCHES.c.name == batch).values(drift=kept)
            )

    @explained
    def plan(self, run_id: str, batches: Sequence[Batch], settings: str, why: str) -> Run | None:
        """Record a run before it is started, and assign its batches.

        Args:
            run_id: the run's id.
            batches: the new batches, as they were read from this ledger.
            settings: the run's settings, as JSON.
            why: the policy's reason, in a sentence.

        Returns:
            The run, or None if another trigger planned one or took a batch in the meantime.
        """
        names = [batch.name for batch in batches]
        with self._database.transaction() as connection:
            current = {batch.name: batch for batch in read_batches(connection, self._pipeline)}
            unchanged = all(current.get(batch.name) == batch for batch in batches)
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
                    planned_at=clocks.next_planned(connection, self._pipeline, self._clock()),
                )
            )
            connection.execute(
                update(BATCHES)
                .where(self._of(BATCHES), BATCHES.c.name.in_(names))
                .values(state=BatchState.TAKEN, run_id=run_id)
            )
            return read_runs(connection, self._pipeline, RUNS.c.active)[0]

    @explained
    def hold(self, run_id: str, holder: str, seconds: float) -> bool:
        """Request to be the only trigger that may start a run, for a time in seconds.

        Returns:
            Whether the caller holds the run; False if another one does, or if the run has ended.
        """
        moment = self._clock()
        free = clocks.is_free(RUNS.c.held_until, moment, seconds)
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

    @explained
    def undo(self, run_id: str) -> None:
        """Delete a run of which nothing was started; its batches wait again."""
        with self._database.transaction() as connection:
            if not any(
                run.run_id == run_id for run in read_runs(connection, self._pipeline, RUNS.c.active)
            ):
                return
            taken = BATCHES.c.run_id == run_id
            connection.execute(
                update(BATCHES)
                .where(self._of(BATCHES), taken)
                .values(state=BatchState.WAITING, run_id=None)
            )
            connection.execute(delete(RUNS).where(self._of(RUNS), RUNS.c.run_id == run_id))

    @explained
    def retry(self, names: Collection[str] | None) -> list[str]:
        """Offer batches again that were set aside, and continue as if no run had failed.

        Entries of unreadable batches and of copies are deleted: the next check reads these batches
        again.

        Args:
            names: the names of the batches; None for all.

        Returns:
            The names of the batches that are offered again.
        """
        aside = and_(self._of(BATCHES), BATCHES.c.state == BatchState.SET_ASIDE)
        if names is not None:
            aside = and_(aside, BATCHES.c.name.in_(names))
        with self._database.transaction() as connection:
            rows = connection.execute(select(BATCHES.c.name, BATCHES.c.run_id).where(aside)).all()
            tried = [name for name, run_id in rows if run_id is not None]
            never = [name for name, run_id in rows if run_id is None]
            connection.execute(
                update(BATCHES)
                .where(self._of(BATCHES), BATCHES.c.name.in_(tried))
                .values(state=BatchState.WAITING, tries=0, tried_at=None, together=None, reason="")
            )
            connection.execute(delete(BATCHES).where(self._of(BATCHES), BATCHES.c.name.in_(never)))
            connection.execute(
                update(RUNS)
                .where(self._of(RUNS), RUNS.c.active.is_(None))
                .where(RUNS.c.state.in_([RunState.FAILED.value, RunState.DATA_REFUSED.value]))
                .values(forgiven=True)
            )
            return sorted([*tried, *never])

    @explained
    def note(self, run_id: str, state: RunState) -> None:
        """Record the state of a run that has not ended."""
        with self._database.transaction() as connection:
            connection.execute(
                update(RUNS)
                .where(self._of(RUNS), RUNS.c.run_id == run_id, RUNS.c.active)
                .values(state=state.value)
            )

    @explained
    def settle(
        self,
        run_id: str,
        state: RunState,
        reason: str,
        verdicts: Sequence[Verdict],
        events: Sequence[Event] = (),
    ) -> bool:
        """Record how a run ended, the new states of its batches, and the events to send.

        Returns:
            Whether this call recorded it; False if another trigger did so before.
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
            self.outbox.put(connection, events)
            return True

    def _delete(self, connection: Connection, batches: Sequence[Batch]) -> None:
        """Delete the entries of batches whose content has changed.

        Copies of a waiting batch are deleted also: the next check finds them as new batches.
        """
        waiting = [batch.name for batch in batches if batch.state == BatchState.WAITING]
        for condition in (
            BATCHES.c.name.in_([batch.name for batch in batches]),
            BATCHES.c.same_as.in_(waiting),
        ):
            connection.execute(delete(BATCHES).where(self._of(BATCHES), condition))

    def _of(self, table: Table) -> Any:
        return table.c.pipeline == self._pipeline
