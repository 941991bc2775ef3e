"""A clock that is set back by two days, for example after a wrong time or a machine's resume."""

import dataclasses
from datetime import timedelta

import pytest
from recording_target import BAD
from standing_clock import START
from test_copied_inbox import Shop

from customer_age.pipeline.retraining.ledger.ledger import Ledger
from customer_age.pipeline.retraining.ledger.records import Event, FoundBatch, RunState

DAYS = 2


@pytest.fixture
def shop(tmp_path, clock, batch_folder):
    """Makes a shop with its own settings."""

    def made(**retraining):
        ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", "shop", clock)
        here = Shop(tmp_path, ledger, clock, batch_folder)
        settings = here.trigger.settings
        changed = settings.retraining.model_copy(update=retraining)
        settings = settings.model_copy(update={"retraining": changed})
        here.trigger = dataclasses.replace(here.trigger, settings=settings)
        return here

    return made


@pytest.fixture
def fails(monkeypatch):
    """Lets runs fail, or succeed again."""

    def set_to(shop, failing):
        state = shop.target.__class__.state
        end = (lambda run_id: RunState.FAILED) if failing else state.__get__(shop.target)
        made = state.__get__(shop.target)

        def now(run_id):
            return end(run_id) if made(run_id) is not RunState.UNKNOWN else RunState.UNKNOWN

        monkeypatch.setattr(shop.target, "state", now)

    return set_to


def set_back(shop):
    shop.clock.forward(days=-DAYS)


def test_a_failed_run_is_tried_again_after_the_wait_that_is_stated(shop, fails):
    here = shop(retry_hours=3.0)
    here.arrive("monday", photos=6)
    fails(here, True)
    assert "failed" in here.look()[1]
    fails(here, False)
    set_back(here)
    printed = here.look()[1].splitlines()
    assert printed == [
        "the clock was set back: all waiting times start again now",
        "no run: the last run failed: the next may start in 3.0 hours",
    ]
    here.clock.forward(hours=3)
    assert "ended, published" in here.look()[1]
    assert "set back" not in here.look()[1]


def test_refused_data_are_tried_again_after_the_wait_that_is_stated(shop):
    here = shop(retry_hours=3.0, tries=5)
    here.arrive(BAD, photos=6)
    assert "data refused" in here.look()[1]
    set_back(here)
    assert "no run" in here.look()[1]
    here.clock.forward(hours=3)
    assert "data refused" in here.look()[1]


def test_a_cool_down_is_as_long_as_stated(shop):
    here = shop(cool_down_hours=6.0)
    here.arrive("monday", photos=6)
    assert "published" in here.look()[1]
    here.arrive("tuesday", photos=6)
    set_back(here)
    assert "cooling down for another 6.0 hours" in here.look()[1]
    here.clock.forward(hours=6)
    assert "published" in here.look()[1]
    assert [batches for _, batches in here.target.made()] == [["monday"], ["monday", "tuesday"]]


def test_a_few_photos_wait_as_long_as_stated(shop):
    here = shop(max_wait_hours=24.0)
    here.arrive("monday", photos=2)
    here.look()
    set_back(here)
    assert "not enough yet" in here.look()[1]
    here.clock.forward(hours=24)
    assert "monday waiting for 24.0 hours" in here.look()[1]


def test_no_batch_is_trained_twice_and_runs_keep_their_order(shop):
    here = shop()
    here.arrive("monday", photos=6)
    here.look()
    set_back(here)
    assert here.look()[1].splitlines()[-1] == "no run: no new photos"
    here.arrive("tuesday", photos=6)
    here.look()
    assert [list(run.new_batches) for run in here.ledger.runs()] == [["monday"], ["tuesday"]]
    assert here.ledger.runs()[1].planned_at > here.ledger.runs()[0].planned_at


def test_a_fixed_batch_with_an_earlier_time_is_offered_again(shop):
    here = shop()
    here.arrive("monday", photos=6, table="nothing")
    assert "set aside" in here.look()[1]
    set_back(here)
    here.arrive("monday", photos=6)
    assert "batch monday: 6 new photos" in here.look()[1]


def test_a_batch_uploaded_again_with_an_earlier_time_is_read_again(shop):
    here = shop()
    here.arrive("monday", photos=6)
    here.look()
    set_back(here)
    here.arrive("monday", photos=7, seed="other")
    assert "batch monday was uploaded again with different content" in here.look()[1]
    assert here.look()[1].splitlines()[-1] == "no run: no new photos"


@pytest.mark.parametrize(("minutes", "free"), [(4, False), (2 * 24 * 60, True)])
def test_a_hold_ends_and_clocks_of_two_machines_may_differ(ledger_uri, clock, minutes, free):
    ledger = Ledger(ledger_uri, "shop", clock)
    [batch] = ledger.add([FoundBatch("monday", START, 6, "content")])
    ledger.plan("run", [batch], "{}", "why")
    assert ledger.hold("run", "one", 300)
    with ledger._database.transaction() as connection:
        ledger.outbox.put(connection, [Event("id", "type", "subject", START, {})])
    assert ledger.outbox.take(300) is not None
    clock.forward(minutes=-minutes)
    assert ledger.hold("run", "another", 300) is free
    assert (ledger.outbox.take(300) is not None) is free


def test_clocks_that_differ_by_minutes_change_no_time(ledger, clock):
    ledger.add([FoundBatch("monday", START, 6, "content")])
    clock.forward(minutes=-4)
    assert not ledger.notice_clock_set_back()
    assert ledger.batches()[0].found_at == START
    clock.forward(minutes=-2)
    assert ledger.notice_clock_set_back()
    assert ledger.batches()[0].found_at == START - timedelta(minutes=6)
