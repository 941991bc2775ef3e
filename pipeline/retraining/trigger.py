"""One check of the inbox: follow the active run, enter new batches, start a run when due.

Any number of triggers may check at once, and each may die at any line. These are the steps in
order, each with the state that the next check finds if the trigger dies after it:

1. a batch is entered into the ledger: it waits;
2. a run is recorded with its batches, in one transaction: it is the only active run;
3. the run is started at the target, by its id: the target knows it;
4. the run's end and the new states of its batches are recorded, in one transaction;
5. the event of the end is sent: it is marked as sent.
"""

import dataclasses
import hashlib
import json
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError

from ..settings.settings import Settings
from . import back_off, inbox_scan, policy
from .drift_check import Champions, open_champions
from .inbox import Inbox, open_inbox
from .inbox_scan import InboxScan
from .judgement import verdicts
from .ledger.events import batches_judged, paused, resumed, run_ended
from .ledger.ledger import Ledger, now
from .ledger.records import Batch, BatchState, Event, Run, RunState
from .policy import Drift
from .run_target import RunExplainer, RunTarget
from .webhook import Webhook, open_webhook, send_all

_EXIT_CODES = {
    RunState.FAILED: RunError.exit_code,
    RunState.MODEL_REFUSED: ModelRefused.exit_code,
    RunState.DATA_REFUSED: DataRefused.exit_code,
}


def _new_holder() -> str:
    """Return a name that is unique among all triggers on all machines."""
    return f"{socket.gethostname()[:40]} {uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class Trigger:
    """Checks the inbox, decides and starts runs; see the module's docstring.

    Attributes:
        settings: the pipeline's settings.
        inbox: the inbox to check.
        ledger: the ledger to read and write.
        target: the target that starts runs.
        champions: answers questions about the champion.
        check: raises `SettingsError` if a run with such settings cannot start at the target.
        say: prints a line for the user.
        webhook: the webhook that events are sent to, or None.
        clock: returns the current time.
        start_seconds: how long only the trigger that starts a run may start it, at a target that
            could make two runs of one id.
    """

    settings: Settings
    inbox: Inbox
    ledger: Ledger
    target: RunTarget
    champions: Champions
    check: Callable[[Settings], object]
    say: Callable[[str], None]
    webhook: Webhook | None = None
    clock: Callable[[], datetime] = now
    start_seconds: float = 300
    _holder: str = field(init=False, default_factory=_new_holder)

    def check_inbox(self) -> int:
        """Check the inbox once.

        Returns:
            An exit code: the run's if this check started a run that failed or was refused;
            otherwise 1 if a new batch could not be read, or 0.

        Raises:
            SettingsError: the settings are invalid; nothing was started.
            RunError: the inbox, the ledger, the registry or the target failed. The next check
                continues where this one stopped.
        """
        try:
            if self.ledger.notice_clock_set_back():
                self.say("the clock was set back: all waiting times start again now")
            active = self.ledger.active_run()
            code = self._follow(active) if active is not None else 0
            scan = self._enter_new()
            if self.ledger.active_run() is None:
                code = self._start_if_due(scan) or code
            return code or (1 if scan.unreadable else 0)
        finally:
            self._notify()

    def _follow(self, run: Run) -> int:
        """Check the state of a run; start it again if the target does not know it."""
        state, reason, ours = self.target.state(run.run_id), "", False
        if state is RunState.UNKNOWN and self.ledger.hold(
            run.run_id, self._holder, self.start_seconds
        ):
            state, reason = self._start(run)
            ours = True
        if state.ended:
            self._settle(run, state, reason)
            return _EXIT_CODES.get(state, 0) if ours else 0
        self.ledger.note(run.run_id, state)
        doing = "is running" if state is RunState.RUNNING else "is being started"
        self.say(f"run {run.run_id} {doing}")
        return 0

    def _enter_new(self) -> InboxScan:
        known = self.ledger.batches()
        scan = inbox_scan.scan(self.inbox, known)
        if known and not scan.present:  # for example a mount point without its mount
            self.say("the inbox is empty, but had batches before: is it mounted? They are kept")
            return scan
        for name in self.ledger.forget_vanished(scan.present):
            self.say(f"batch {name} was removed before any run used it")
        found, before = [*scan.found, *scan.uploaded_again], {each.name: each for each in known}
        for batch in self.ledger.add(found, keep_events=self.webhook is not None):
            if batch.name in before and before[batch.name].state != BatchState.SET_ASIDE:
                self.say(f"batch {batch.name} was uploaded again with different content")
            if batch.state == BatchState.SET_ASIDE:
                self.say(f"batch {batch.name} is set aside: {batch.reason}")
            else:
                self.say(f"batch {batch.name}: {batch.photos:,} new photos")
        for name, error in scan.unreadable:
            self.say(f"batch {name} cannot be read now: {error}")
        if scan.incomplete:
            first = ", ".join(scan.incomplete[:3])
            more = ", ..." if len(scan.incomplete) > 3 else ""
            self.say(f"batches without _SUCCESS are not complete yet: {first}{more}")
        return scan

    def _start_if_due(self, scan: InboxScan) -> int:
        batches, retraining = self.ledger.batches(), self.settings.retraining
        runs = self.ledger.runs()
        decision = policy.decide(
            batches,
            scan.present,
            runs,
            retraining,
            self.clock(),
            self._drift,
        )
        if not decision.batches:
            self.say(f"no run: {decision.why}")
            return 0
        if (pause := back_off.pause(runs)) is not None:
            if problem := self._probe(runs):
                self.say(f"no run: {pause.sentence()}; now: {problem}")
                return 0
            self.say(f"{pause.sentence()}; all services that a run needs answer again")
        self.check(self._with_batches(()))
        window = policy.data_window(batches, scan.present, decision.batches, retraining)
        run = self.ledger.plan(
            policy.run_id(decision.batches, runs),
            decision.batches,
            self._settings_of_run(window).model_dump_json(),
            decision.why,
        )
        if run is None:
            self.say("no run: another trigger was faster")
            return 0
        self.say(f"run {run.run_id}: {decision.why}")
        return self._follow(run)

    def _drift(self, batches: Sequence[Batch]) -> Drift | None:
        """Return how far new photos are from the champion's; measured once, not at each check."""
        newest = batches[-1].name
        contents = sorted(f"{batch.name} {batch.content}" for batch in batches)
        measured = "\n".join([self.champions.version(), *contents])
        key = hashlib.sha256(measured.encode()).hexdigest()
        if (kept := self.ledger.kept_drift(newest, key)) is not None:
            return Drift(**kept)
        drift = self.champions.drift(batches)
        if drift is not None:
            self.ledger.keep_drift(newest, key, vars(drift))
        return drift

    def _probe(self, runs: Sequence[Run]) -> str:
        """Probe all services that a run needs; return the problem, or an empty text."""
        try:
            self.check(self._with_batches(()))
            self.champions.exists()
            self.target.state(runs[-1].run_id)
        except RunError as error:
            return " ".join(str(error).split())
        return ""

    def _settings_of_run(self, batches: Sequence[str]) -> Settings:
        """Return a run's settings: the base set, these batches, the champion's weights if any."""
        settings, retraining = self._with_batches(batches), self.settings.retraining
        if not self.champions.exists():
            return settings
        schedule = {"epochs": retraining.epochs, "learning_rate": retraining.learning_rate}
        overrides = {name: value for name, value in schedule.items() if value is not None}
        trainer = settings.trainer.model_copy(update={"weights": "champion", **overrides})
        return settings.model_copy(update={"trainer": trainer})

    def _with_batches(self, batches: Sequence[str]) -> Settings:
        """Return the pipeline's settings with only these batches."""
        data = self.settings.data.model_copy(update={"batches": tuple(batches)})
        return self.settings.model_copy(update={"data": data})

    def _start(self, run: Run) -> tuple[RunState, str]:
        """Start a run that this trigger holds; return its state, and the reason if it ended."""
        state = self.target.state(run.run_id)  # an earlier holder may have started it
        if state is not RunState.UNKNOWN:
            return state, ""
        settings = self._kept_settings(run)
        try:
            self.check(settings)
        except SettingsError as error:
            # This raises as well if the settings are wrong; otherwise the batches are.
            self._undo_if_wrong(run, lambda: self.check(self._with_batches(())))
            if self._passes_now(settings):  # the failure was temporary, such as an outage
                self.ledger.undo(run.run_id)
                raise RunError(str(error)) from error
            return RunState.DATA_REFUSED, " ".join(str(error).split())
        self._undo_if_wrong(run, lambda: self.target.start(run.run_id, settings))
        return self.target.state(run.run_id), ""

    def _passes_now(self, settings: Settings) -> bool:
        try:
            self.check(settings)
        except SettingsError:
            return False
        return True

    def _undo_if_wrong(self, run: Run, step: Callable[[], object]) -> None:
        """Undo a run if the settings are wrong, so that it is planned again with better ones."""
        try:
            step()
        except SettingsError:
            self.ledger.undo(run.run_id)
            raise

    def _kept_settings(self, run: Run) -> Settings:
        """Return the settings that a run was planned with, and may have started with."""
        try:
            kept = Settings.model_validate_json(run.settings)
        except ValidationError:  # an earlier version of this package wrote them
            return self._settings_of_run(json.loads(run.settings)["data"]["batches"])
        # The work folder may have been moved: do not create the old one again.
        return kept.model_copy(update={"work_dir": self.settings.work_dir})

    def _settle(self, run: Run, state: RunState, reason: str = "") -> None:
        target = self.target
        if not reason and isinstance(target, RunExplainer):
            reason = target.reason(run.run_id)
        runs, moment = self.ledger.runs(), self.clock()
        judged = verdicts(state, run.batches, reason, self.settings.retraining.tries, runs)
        events: list[Event] = []
        if self.webhook is not None:
            events = [
                run_ended(run, state, reason, moment, self._facts(run, state)),
                *batches_judged(run, judged, moment),
                *_pauses(runs, dataclasses.replace(run, state=state, reason=reason), moment),
            ]
        if not self.ledger.settle(run.run_id, state, reason, judged, events):
            return
        because = f": {reason.removeprefix('Published: ')}" if reason else ""
        self.say(f"run {run.run_id} ended, {state.value.replace('_', ' ')}{because}")
        for verdict in judged:
            if verdict.state == BatchState.SET_ASIDE:
                self.say(f"batch {verdict.name} is set aside after {verdict.tries} tries")

    def _facts(self, run: Run, state: RunState) -> dict[str, Any]:
        """Return facts about the version that a run published, if the registry has them."""
        if state is not RunState.PUBLISHED:
            return {}
        try:
            return self.champions.published(run.run_id)
        except RunError as error:  # the end of the run is still reported
            self.say(f"run {run.run_id}: the registry cannot describe its version: {error}")
            return {}

    def _notify(self) -> None:
        webhook = self.webhook
        if webhook is None:
            return
        name, moment = self.settings.name, self.clock()
        try:
            send_all(self.ledger.outbox, name, webhook, self.say, moment)
        except RunError as error:
            self.say(f"notifications could not be sent and wait: {error}")


def _pauses(runs: Sequence[Run], run: Run, moment: datetime) -> list[Event]:
    """Return the event that a run's end pauses or resumes retraining, if it does so."""
    earlier = [each for each in runs if each.run_id != run.run_id]
    before = back_off.pause(earlier)
    after = back_off.pause([*earlier, dataclasses.replace(run, ended_at=moment)])
    if after is not None and before is None:
        return [paused(after)]
    if before is not None and after is None:
        return [resumed(before, run, moment)]
    return []


def open_trigger(
    settings: Settings,
    target: RunTarget,
    check: Callable[[Settings], object],
    say: Callable[[str], None],
    start_seconds: float,
) -> Trigger:
    """Open the trigger of a pipeline, with the inbox, ledger, registry and webhook of its settings.

    Args:
        settings: the pipeline's settings.
        target: the target that starts runs.
        check: raises `SettingsError` if a run with such settings cannot start there.
        say: prints a line for the user.
        start_seconds: in seconds; see `Trigger`.

    Raises:
        SettingsError: there is no inbox, or the address of the ledger, the webhook or the
            registry is not valid.
    """
    return Trigger(
        settings=settings,
        inbox=open_inbox(settings),
        ledger=Ledger(settings.ledger_uri, settings.name),
        target=target,
        champions=open_champions(settings),
        check=check,
        say=say,
        webhook=open_webhook(settings.notify),
        start_seconds=start_seconds,
    )
