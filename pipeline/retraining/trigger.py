"""One look at the inbox: follow the run that is active, enter new batches, start a run when due.

Any number of triggers may look at once, and any of them may die at any line. In the order in which
they happen, and what a death after each leaves for the next look:

1. a batch is entered into the ledger: it waits;
2. a run is written down with its batches, in one transaction: it is active, and no other is;
3. the run is started at the target, by its id: the target knows it;
4. the run's end is written down with what becomes of its batches, in one transaction;
5. the end is told: the event is marked as sent.
"""

import json
import socket
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError

from ..settings.settings import Settings
from . import inbox, policy
from .ledger.events import batches_judged, run_ended
from .ledger.records import BatchState, Run
from .run_target import Explaining, RunState
from .surroundings import Surroundings
from .webhook import send_all

_EXIT_CODES = {
    RunState.FAILED: RunError.exit_code,
    RunState.MODEL_REFUSED: ModelRefused.exit_code,
    RunState.DATA_REFUSED: DataRefused.exit_code,
}


class Trigger:
    """Looks, decides and starts; see the module's own words."""

    def __init__(self, surroundings: Surroundings):
        self._with = surroundings
        self._say = surroundings.say
        self._ledger = surroundings.ledger
        data = surroundings.settings.data.model_copy(update={"batches": ()})
        self._base = surroundings.settings.model_copy(update={"data": data})
        self._holder = f"{socket.gethostname()[:40]} {uuid.uuid4().hex[:12]}"

    def look(self) -> int:
        """Look once.

        Returns:
            An exit code: 0, unless a new batch could not be read, or this very look saw the end
            of a run that it started: then the run's.

        Raises:
            SettingsError: the settings do not do; nothing was started.
            RunError: the inbox, the ledger, the registry or the target failed. The next look
                goes on where this one stopped.
        """
        try:
            active = self._ledger.active_run()
            code = self._follow(active) if active is not None else 0
            look = self._enter_new()
            if self._ledger.active_run() is None:
                code = self._start_if_due(look) or code
            return code or (1 if look.unreadable else 0)
        finally:
            self._notify()

    def _follow(self, run: Run) -> int:
        """Ask what became of a run; start it again where the target knows nothing of it."""
        state, reason, ours = self._with.target.state(run.run_id), "", False
        if state is RunState.UNKNOWN and self._ledger.hold(
            run.run_id, self._holder, self._with.start_seconds
        ):
            state, reason = self._start(run)
            ours = True
        if state.ended:
            self._settle(run, state, reason)
            return _EXIT_CODES.get(state, 0) if ours else 0
        self._ledger.note(run.run_id, state)
        doing = "is running" if state is RunState.RUNNING else "is being started"
        self._say(f"run {run.run_id} {doing}")
        return 0

    def _enter_new(self) -> inbox.Look:
        look = inbox.look(self._with.inbox, self._ledger.batches())
        for name in self._ledger.forget_vanished(look.present):
            self._say(f"batch {name} was taken away before it was learnt from")
        for batch in self._ledger.add(look.found, tell=self._with.webhook is not None):
            if batch.state == BatchState.SET_ASIDE:
                self._say(f"batch {batch.name} is set aside: {batch.reason}")
            else:
                self._say(f"batch {batch.name}: {batch.photos:,} new photos")
        for name, complaint in look.unreadable:
            self._say(f"batch {name} cannot be read now: {complaint}")
        if look.incomplete:
            first = ", ".join(look.incomplete[:3])
            more = ", ..." if len(look.incomplete) > 3 else ""
            self._say(f"not complete yet, without _SUCCESS: {first}{more}")
        return look

    def _start_if_due(self, look: inbox.Look) -> int:
        batches, retraining = self._ledger.batches(), self._with.settings.retraining
        decision = policy.decide(
            batches,
            look.present,
            self._ledger.runs(),
            retraining,
            self._with.clock(),
            self._with.champions.drift,
        )
        if not decision.batches:
            self._say(f"no run: {decision.why}")
            return 0
        self._with.check(self._base)
        window = policy.window(batches, look.present, decision.batches, retraining)
        run = self._ledger.plan(
            policy.run_id(decision.batches),
            decision.batches,
            self._settings_of_run(window).model_dump_json(),
            decision.why,
        )
        if run is None:
            self._say("no run: another trigger was faster")
            return 0
        self._say(f"run {run.run_id}: {decision.why}")
        return self._follow(run)

    def _settings_of_run(self, batches: Sequence[str]) -> Settings:
        """The base set and the data window; from the champion's weights where there is one."""
        settings, retraining = self._base, self._base.retraining
        changed: dict[str, Any] = {
            "data": settings.data.model_copy(update={"batches": tuple(batches)})
        }
        if self._with.champions.exists():
            schedule = {"epochs": retraining.epochs, "learning_rate": retraining.learning_rate}
            given = {name: value for name, value in schedule.items() if value is not None}
            changed["trainer"] = settings.trainer.model_copy(
                update={"weights": "champion", **given}
            )
        return settings.model_copy(update=changed)

    def _start(self, run: Run) -> tuple[RunState, str]:
        """Start a run that this trigger holds; gives its state then, and the reason of an end."""
        state = self._with.target.state(run.run_id)  # who held it before may have started it
        if state is not RunState.UNKNOWN:
            return state, ""
        settings = self._kept_settings(run)
        try:
            self._with.check(settings)
        except SettingsError as error:
            # Either the settings are wrong as such, and this raises too, or the batches are.
            self._undone_if_wrong(run, lambda: self._with.check(self._base))
            return RunState.DATA_REFUSED, " ".join(str(error).split())
        self._undone_if_wrong(run, lambda: self._with.target.start(run.run_id, settings))
        return self._with.target.state(run.run_id), ""

    def _undone_if_wrong(self, run: Run, step: Callable[[], object]) -> None:
        """Strike a run out where the settings are wrong, so that it is planned with better ones."""
        try:
            step()
        except SettingsError:
            self._ledger.undo(run.run_id)
            raise

    def _kept_settings(self, run: Run) -> Settings:
        """The settings that a run was planned with, and may have half run with."""
        try:
            return Settings.model_validate_json(run.settings)
        except ValidationError:  # of a former version of this package
            return self._settings_of_run(json.loads(run.settings)["data"]["batches"])

    def _settle(self, run: Run, state: RunState, reason: str = "") -> None:
        target = self._with.target
        if not reason and isinstance(target, Explaining):
            reason = target.reason(run.run_id)
        tries = self._with.settings.retraining.tries
        verdicts = policy.verdicts(state, run.batches, reason, tries)
        moment = self._with.clock()
        events = []
        if self._with.webhook is not None:
            events = [
                run_ended(run, state, reason, moment, self._facts(run, state)),
                *batches_judged(run, verdicts, moment),
            ]
        if not self._ledger.settle(run.run_id, state, reason, verdicts, events):
            return
        because = f": {reason.removeprefix('Published: ')}" if reason else ""
        self._say(f"run {run.run_id} ended, {state.value.replace('_', ' ')}{because}")
        for verdict in verdicts:
            if verdict.state == BatchState.SET_ASIDE:
                self._say(f"batch {verdict.name} is set aside after {verdict.tries} tries")

    def _facts(self, run: Run, state: RunState) -> dict[str, Any]:
        """On the version that a run published, where the registry tells."""
        if state is not RunState.PUBLISHED:
            return {}
        try:
            return self._with.champions.published(run.run_id)
        except RunError as error:  # the end is worth telling all the same
            self._say(f"run {run.run_id}: no facts on its version: {error}")
            return {}

    def _notify(self) -> None:
        webhook = self._with.webhook
        if webhook is None:
            return
        name, moment = self._with.settings.name, self._with.clock()
        try:
            send_all(self._ledger.outbox, name, webhook, self._say, moment)
        except RunError as error:
            self._say(f"notifications wait: {error}")
