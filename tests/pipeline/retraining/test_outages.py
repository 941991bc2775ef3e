"""Outages of every kind, and a year: after each, every good batch is trained exactly once."""

import dataclasses
from collections import Counter
from datetime import timedelta

import pytest
from recording_target import RecordingTarget
from standing_clock import START
from test_trigger import Champions, Shop, arrive

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.retraining import back_off
from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.retraining.policy import Drift
from customer_age.pipeline.retraining.webhook import Webhook

LOOK_EVERY = timedelta(hours=1)


class Outage(RecordingTarget):
    """A target whose runs end by the hour: `ends` returns a state, or None for a good end."""

    def __init__(self, file, clock, ends):
        super().__init__(file)
        self.clock = clock
        self.ends = ends
        self._states = {}

    def start(self, run_id, settings):
        super().start(run_id, settings)
        self._states[run_id] = self.ends(self.clock.moment - START, settings.data.batches)

    def state(self, run_id):
        state = super().state(run_id)
        return (self._states.get(run_id) or state) if state.ended else state

    def reason(self, run_id):
        return "the registry does not answer"


def play(shop, batch_folder, clock, tmp_path, ends, days=10, check=lambda _: None):
    """Add a batch per day, and check every hour, until nothing more happens."""
    here = shop("retraining.retry_hours=1", "retraining.newest_batches=0")
    target = Outage(tmp_path / "outage.sqlite", clock, ends)
    here.trigger = dataclasses.replace(here.trigger, target=target, check=check)
    here.target, here.codes = target, Counter()
    names = []
    while clock.moment < START + timedelta(days=days):
        hours = (clock.moment - START) / timedelta(hours=1)
        if hours % 24 == 0 and hours < (days - 4) * 24:
            names.append(f"day-{hours / 24:.0f}")
            arrive(batch_folder(names[-1]), clock)
        try:
            here.codes[here.look()[0]] += 1
        except RunError as error:
            here.codes[type(error).__name__] += 1
        clock.moment += LOOK_EVERY
    here.names = names
    return here


def hours(span):
    return span / timedelta(hours=1)


@pytest.mark.parametrize(
    ("down", "at_most"),
    [
        (lambda at: 30 <= hours(at) < 33, 3),
        (lambda at: 30 <= hours(at) < 102, 9),
        (lambda at: hours(at) % 24 < 4, 40),
        (lambda at: 24 <= hours(at) < 25, 2),
    ],
    ids=["3 hours", "3 days", "one every night", "in the middle of a run"],
)
def test_after_an_outage_each_batch_is_trained_once(
    shop, batch_folder, clock, tmp_path, down, at_most
):
    def ends(at, _):
        return RunState.FAILED if down(at) else None

    here = play(shop, batch_folder, clock, tmp_path, ends)
    assert here.states() == dict.fromkeys(here.names, "learnt")
    runs = here.ledger.runs()
    learnt = [name for run in runs if run.state.trained for name in run.new_batches]
    assert sorted(learnt) == sorted(here.names)
    assert sum(not run.state.trained for run in runs) <= at_most, "they back off"


def test_a_registry_that_is_away_is_found_before_a_run_is_planned(
    shop, batch_folder, clock, tmp_path
):
    def check(_):
        if 30 <= hours(clock.moment - START) < 102:
            raise SettingsError("registry.uri: no MLflow server answers")

    here = play(shop, batch_folder, clock, tmp_path, lambda *_: None, check=check)
    assert here.states() == dict.fromkeys(here.names, "learnt")
    assert {run.state for run in here.ledger.runs()} == {RunState.PUBLISHED}


def test_a_base_set_that_is_refused_costs_no_batch(shop, batch_folder, clock, tmp_path):
    def ends(at, _):
        return RunState.DATA_REFUSED if hours(at) < 80 else None

    here = play(shop, batch_folder, clock, tmp_path, ends)
    assert here.states() == dict.fromkeys(here.names, "learnt")


def test_a_quota_that_never_comes_pauses_and_costs_a_run_a_day(shop, batch_folder, clock, tmp_path):
    here = play(shop, batch_folder, clock, tmp_path, lambda *_: RunState.FAILED, days=20)
    assert set(here.states().values()) == {"waiting"}
    pause = back_off.pause(here.ledger.runs())
    assert 5 < pause.runs <= 30
    assert "runs in a row did not train; the last run: the registry does" in pause.sentence()


@pytest.fixture
def ledger_uri(tmp_path):
    """SQLite only: the ledger's own tests and the week cover PostgreSQL's differences."""
    return f"sqlite:///{tmp_path}/ledger.sqlite"


@pytest.fixture
def shop(tmp_path, ledger, clock):
    return lambda *overrides, **target: Shop(tmp_path, ledger, clock, overrides, **target)


@pytest.fixture
def paused_shop(shop, batch_folder, clock, tmp_path, monkeypatch):
    """Five runs have failed, and the events wait because the webhook cannot be reached."""
    here = shop("retraining.retry_hours=1")
    failing = Outage(tmp_path / "outage.sqlite", clock, lambda *_: RunState.FAILED)
    webhook = Webhook("http://127.0.0.1:1/", attempts=1, timeout_seconds=0.1)
    here.trigger = dataclasses.replace(here.trigger, target=failing, webhook=webhook)
    batch_folder("monday")
    for _ in range(5):
        here.look()
        clock.forward(hours=24)
    return here, failing


def events_of(ledger):
    found = []
    while (event := ledger.outbox.take(0, excluding=[each.id for each in found])) is not None:
        found.append(event)
    return [event.type.removeprefix("customer-age.") for event in found]


def test_a_pause_is_reported_once_and_ends_after_a_probe_and_a_trained_run(paused_shop, clock):
    here, failing = paused_shop
    assert events_of(here.ledger).count("retraining.paused") == 1

    def away(_):
        raise SettingsError("registry.uri: no MLflow server answers")

    _, printed = here.look(check=away)
    assert "no run: paused since 2026-03-06 08:00 UTC: 5 runs in a row did not train" in printed
    assert "now: registry.uri: no MLflow server answers" in printed
    assert len(here.ledger.runs()) == 5
    failing.ends = lambda *_: None
    _, printed = here.look()
    assert "all services that a run needs answer again" in printed
    assert here.states() == {"monday": "learnt"}
    events = events_of(here.ledger)
    assert (events.count("retraining.paused"), events.count("retraining.resumed")) == (1, 1)
    assert back_off.pause(here.ledger.runs()) is None


def test_retry_ends_a_pause_at_once(paused_shop, clock):
    here, failing = paused_shop
    clock.moment -= timedelta(hours=23)
    assert "the next may start in" in here.look()[1]
    assert here.ledger.retry(None) == [], "nothing is set aside"
    failing.ends = lambda *_: None
    clock.forward(hours=16)
    here.look()
    assert here.states() == {"monday": "learnt"}


def test_what_was_set_aside_is_offered_again(shop, batch_folder, clock):
    here = shop("retraining.tries=1")
    batch_folder("bad-monday")
    here.look()
    batch_folder("tuesday")
    for name in ("no-rows", "tuesday-again"):
        folder = batch_folder(name)
        if name == "no-rows":
            (folder / "photos.csv").write_text("file_name,card_id,captured_at\n")
        else:
            for part in (
                "photos.csv",
                *(f"photos/{each.name}" for each in (folder / "photos").iterdir()),
            ):
                (folder / part).write_bytes((folder.with_name("tuesday") / part).read_bytes())
    here.look()
    here.look()
    aside = {name for name, state in here.states().items() if state == "set_aside"}
    assert aside == {"bad-monday", "no-rows", "tuesday-again"}
    assert here.ledger.retry(["tuesday"]) == []
    assert here.ledger.retry(["no-rows"]) == ["no-rows"]
    assert "no-rows" not in here.states(), "the next check reads it again"
    assert here.ledger.retry(None) == ["bad-monday", "tuesday-again"]
    (batch,) = (each for each in here.ledger.batches() if each.name == "bad-monday")
    assert (batch.state, batch.tries, batch.tried_at, batch.reason) == ("waiting", 0, None, "")
    before = {run.run_id for run in here.ledger.runs()}
    here.look()
    assert len({run.run_id for run in here.ledger.runs()} - before) == 1, "a separate run"


def test_the_drift_of_waiting_batches_is_measured_once(shop, batch_folder, clock):
    here = shop("retraining.min_photos=100", "retraining.max_drift=0.5")
    measured = []

    class Drifting(Champions):
        at = "1"

        def version(self):
            return self.at

        def drift(self, batches):
            measured.append([batch.name for batch in batches])
            return Drift(0.25, "real_age", 60)

    champions = Drifting()
    batch_folder("monday")
    for _ in range(3):
        assert "drift of real_age 0.250 on 60 photos" in here.look(champions=champions)[1]
    assert measured == [["monday"]]
    arrive(batch_folder("tuesday"), clock)
    here.look(champions=champions)
    here.look(champions=champions)
    assert len(measured) == 2
    champions.at = "2"
    here.look(champions=champions)
    assert len(measured) == 3, "another champion has another distance"


def test_an_unmounted_inbox_removes_no_batches(shop, batch_folder, clock, tmp_path):
    here = shop("retraining.min_photos=100")
    for name in ("monday", "tuesday"):
        batch_folder(name)
    here.look()
    inbox = tmp_path / "inbox"
    inbox.rename(tmp_path / "unmounted")
    inbox.mkdir()
    assert "the inbox is empty, but had batches before: is it mounted?" in here.look()[1]
    assert here.states() == {"monday": "waiting", "tuesday": "waiting"}
    inbox.rmdir()
    with pytest.raises(SettingsError, match="this folder does not exist"):
        here.look()
    (tmp_path / "unmounted").rename(inbox)
    (inbox / "tuesday").rename(tmp_path / "removed")
    assert "batch tuesday was removed before any run used it" in here.look()[1]
    assert here.states() == {"monday": "waiting"}
