"""Batches that are uploaded again: their content counts, not only the time of `_SUCCESS`.

Copies and restores of a whole inbox are in `test_copied_inbox.py`.
"""

import dataclasses
import json
import os

import pytest
import sqlalchemy as sa
from recording_target import BAD, RecordingTarget
from standing_clock import START
from test_copied_inbox import Shop, in_a_bucket

from customer_age.pipeline.retraining import judgement
from customer_age.pipeline.retraining.ledger.database import BATCHES, EVENTS
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState, Run, RunState
from customer_age.pipeline.retraining.webhook import Webhook


@pytest.fixture
def shop(tmp_path, ledger, clock, batch_folder):
    return with_webhook(Shop(tmp_path, ledger, clock, batch_folder))


@pytest.fixture
def engine(ledger_uri):
    return sa.create_engine(ledger_uri.replace("postgresql:", "postgresql+psycopg:"))


def with_webhook(shop):
    """A shop with a webhook that never answers: the events stay in the ledger."""
    webhook = Webhook("http://127.0.0.1:1", timeout_seconds=5, attempts=1)
    shop.trigger = dataclasses.replace(shop.trigger, webhook=webhook)
    return shop


def changes(engine):
    """Return the data of each event that a batch has changed."""
    of_type = sa.select(EVENTS.c.data).where(EVENTS.c.type == "customer-age.batch.changed")
    with engine.connect() as connection:
        return [json.loads(data) for (data,) in connection.execute(of_type)]


def counting_reads(shop, monkeypatch):
    """Names of the batches whose photos are read from now on."""
    read, inbox = [], shop.trigger.inbox
    digests = inbox.digests
    monkeypatch.setattr(inbox, "digests", lambda name: read.append(name) or digests(name))
    return read


def test_a_waiting_batch_is_read_again(shop, engine):
    shop.arrive("monday", photos=2)
    shop.look()
    shop.arrive("monday", photos=3, seed="mended")
    code, printed = shop.look()
    assert code == 0
    again = "batch monday was uploaded again with different content"
    assert f"{again}\nbatch monday: 3 new photos" in printed
    (batch,) = shop.ledger.batches()
    assert (batch.photos, batch.state.value) == (3, "waiting")
    assert changes(engine) == [], "no run has trained on it"
    shop.arrive("monday", photos=6, seed="more")
    assert "published" in shop.look()[1], "six photos start a run"


def test_a_trained_batch_with_different_content_is_trained_again(shop, engine):
    shop.arrive("monday", photos=6)
    shop.look()
    (first,) = shop.ledger.batches()
    shop.arrive("monday", photos=7, seed="other")
    assert "published" in shop.look()[1]
    assert [batches for _, batches in shop.target.made()] == [["monday"], ["monday"]]
    assert len({run_id for run_id, _ in shop.target.made()}) == 2
    (second,) = shop.ledger.batches()
    assert (second.photos, second.state.value) == (7, "learnt")
    assert second.content != first.content
    expected = {"batch": "monday", "photos": 7, "photos_before": 6, "learnt_by": first.run_id}
    assert changes(engine) == [expected]
    assert "no new photos" in shop.look()[1]
    assert len(changes(engine)) == 1, "reported once"


@pytest.mark.parametrize("photos", [2, 6], ids=["waiting", "learnt"])
def test_an_upload_of_the_same_content_changes_nothing(shop, engine, monkeypatch, photos):
    shop.arrive("monday", photos=photos)
    shop.look()
    before, made = shop.ledger.batches(), shop.target.made()
    shop.clock.forward(hours=1)
    shop.arrive("monday", photos=photos)
    read = counting_reads(shop, monkeypatch)
    assert "monday" not in shop.look()[1]
    shop.look()
    assert read == ["monday"], "it is read once, and not at each look"
    assert shop.ledger.batches() == before
    assert shop.target.made() == made
    assert changes(engine) == []


def test_an_upload_during_its_run_is_seen_after_the_run(shop, engine, tmp_path):
    target = RecordingTarget(tmp_path / "slow.sqlite", asks=2)
    shop.trigger = dataclasses.replace(shop.trigger, target=target)
    shop.arrive("monday", photos=6)
    assert "is running" in shop.look()[1]
    active = shop.ledger.active_run()
    shop.arrive("monday", photos=6, seed="other")
    assert "is running" in shop.look()[1]
    assert shop.ledger.active_run() == active
    shop.look()
    shop.look()
    shop.look()
    shop.look()
    assert [batches for _, batches in target.made()] == [["monday"], ["monday"]]
    assert len(changes(engine)) == 1


def test_an_upload_that_cannot_be_used_is_set_aside(shop, engine):
    shop.arrive("monday", photos=6)
    shop.look()
    shop.arrive("monday", table="file_name,card_id,captured_at\n")
    assert "batch monday is set aside: photos.csv: no rows" in shop.look()[1]
    assert len(changes(engine)) == 1
    shop.arrive("monday", photos=6)
    assert "published" in shop.look()[1], "it is fixed and trained again"


def test_a_batch_that_waits_for_another_try_starts_afresh(shop):
    shop.arrive(f"{BAD}-1", photos=6)
    shop.look()
    (failed,) = shop.ledger.batches()
    assert failed.tried_at is not None
    shop.arrive(f"{BAD}-1", photos=2, seed="other")
    assert "2 new photos in 1 batch are not enough yet" in shop.look()[1]
    (batch,) = shop.ledger.batches()
    assert (batch.tries, batch.tried_at, batch.run_id, batch.reason) == (0, None, None, "")


def test_batches_that_swap_their_contents_are_both_trained(shop):
    shop.arrive("monday", photos=2)
    shop.arrive("tuesday", photos=2)
    shop.look()
    shop.arrive("monday", photos=2, seed="tuesday")
    shop.arrive("tuesday", photos=2, seed="monday")
    shop.look()
    assert [each.state.value for each in shop.ledger.batches()] == ["waiting", "waiting"]


def test_a_copy_of_an_untrained_batch_replaces_it(shop):
    shop.arrive("monday", photos=2)
    shop.arrive("copy", photos=2, seed="monday")
    shop.look()
    assert ("copy", "set_aside", "monday", 0) in shop.ledger_says()
    shop.arrive("monday", photos=2, seed="other")
    shop.look()
    shop.look()
    assert sorted((name, state) for name, state, *_ in shop.ledger_says()) == [
        ("copy", "waiting"),
        ("monday", "waiting"),
    ]


def test_a_copy_of_a_trained_batch_is_not_trained(shop):
    shop.arrive("monday", photos=6)
    shop.arrive("copy", photos=6, seed="monday")
    shop.look()
    shop.arrive("monday", photos=6, seed="other")
    shop.look()
    shop.look()
    assert ("copy", "set_aside", "monday", 0) in shop.ledger_says()
    assert len(shop.target.made()) == 2


def test_a_ledger_of_0_1_records_uploads_and_then_finds_another(shop, engine):
    shop.arrive("monday", photos=6)
    shop.look()
    with engine.begin() as connection:
        connection.execute(sa.update(BATCHES).values(upload=None))
    shop.look()
    assert len(shop.target.made()) == 1
    shop.arrive("monday", photos=6, seed="other")
    assert "published" in shop.look()[1]
    assert len(changes(engine)) == 1


def test_a_ledger_of_0_1_with_a_moved_inbox_starts_no_run(shop, engine):
    """Such a ledger does not record which store computed its contents."""
    shop.arrive("monday", photos=6)
    shop.look()
    with engine.begin() as connection:
        connection.execute(sa.update(BATCHES).values(upload=None, content="0" * 64))
    shop.clock.forward(hours=1)
    os.utime(shop.folder / "monday" / "_SUCCESS", (shop.clock.moment.timestamp(),) * 2)
    assert "no new photos" in shop.look()[1]
    assert len(shop.target.made()) == 1


def test_an_inbox_that_moved_to_a_bucket_is_watched_there(
    shop, engine, s3_endpoint, aws_credentials
):
    import boto3

    shop.arrive("monday", photos=6)
    shop.look()
    shop.move_to(in_a_bucket(shop, s3_endpoint))
    shop.look()
    assert len(shop.target.made()) == 1
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.put_object(Bucket="shop", Key="inbox/monday/photos/0.jpg", Body=b"another photo")
    seen = client.head_object(Bucket="shop", Key="inbox/monday/_SUCCESS")["LastModified"]
    while client.head_object(Bucket="shop", Key="inbox/monday/_SUCCESS")["LastModified"] == seen:
        client.put_object(Bucket="shop", Key="inbox/monday/_SUCCESS", Body=b"")  # whole seconds
    assert "published" in shop.look()[1]
    assert len(changes(engine)) == 1


def test_only_the_newest_trained_batches_are_watched(shop, monkeypatch):
    monkeypatch.setattr("customer_age.pipeline.retraining.inbox_scan._LEARNT_WATCHED", 2)
    for name in ("a", "b", "c"):
        shop.arrive(name, photos=6)
        shop.look()
    checked, inbox = [], shop.trigger.inbox
    arrived = inbox.arrived
    monkeypatch.setattr(inbox, "arrived", lambda name: checked.append(name) or arrived(name))
    shop.look()
    assert sorted(checked) == ["b", "c"]


def test_earlier_training_on_a_batch_is_not_evidence():
    """While the base set is refused, runs of other batches are no evidence against this one."""

    def run(number, name, state):
        ended = START.replace(day=number)
        return Run(f"r{number}", state, "", "", ended, (name,), ended_at=ended)

    trained = [run(1, "monday", RunState.PUBLISHED), run(2, "tuesday", RunState.PUBLISHED)]
    refused = [run(number, "monday", RunState.DATA_REFUSED) for number in (3, 4, 5)]
    monday = Batch("monday", BatchState.TAKEN, 6, START, tries=2)

    def state(runs):
        return judgement.verdicts(RunState.DATA_REFUSED, [monday], "", 3, runs)[0].state

    assert state([*trained, *refused]) == BatchState.WAITING
    others = run(6, "tuesday", RunState.PUBLISHED)
    assert state([*trained, *refused, others]) == BatchState.SET_ASIDE
