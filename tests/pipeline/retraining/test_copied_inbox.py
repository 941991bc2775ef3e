"""An inbox that was copied or restored: `_SUCCESS` has new times, but no batch is trained again."""

import dataclasses
import os
import shutil
from datetime import timedelta

import pytest
from recording_target import BAD, RecordingTarget

from customer_age.pipeline.retraining import policy
from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.retraining.trigger import Trigger
from customer_age.pipeline.settings import loading

POLICY = (
    "retraining.min_photos=6",
    "retraining.cool_down_hours=0",
    "retraining.retry_hours=0",
    "retraining.newest_batches=4",
    "retraining.tries=1",
)


class Champions:
    """A registry without a champion."""

    def exists(self):
        return False

    def version(self):
        return ""

    def published(self, run_id):
        return {}

    def drift(self, batches):
        return None


class Shop:
    """A trigger, its ledger, and batches that arrive one hour apart."""

    def __init__(self, folder, ledger, clock, batch_folder):
        self.folder = folder / "inbox"
        self.folder.mkdir()
        self.clock = clock
        self.ledger = ledger
        self.target = RecordingTarget(folder / "target.sqlite")
        self.printed = []
        self._batch_folder = batch_folder
        self.trigger = Trigger(
            settings=self.settings(str(self.folder)),
            inbox=open_inbox(self.settings(str(self.folder))),
            ledger=ledger,
            target=self.target,
            champions=Champions(),
            check=lambda _: None,
            say=self.printed.append,
            clock=clock,
        )

    def settings(self, inbox):
        work = str(self.folder.parent / "work")
        return loading.load("local", POLICY, work_dir=work, data__path=work, data__inbox=inbox)

    def arrive(self, name, **batch):
        folder = self._batch_folder(name, **batch)
        os.utime(folder / "_SUCCESS", (self.clock.moment.timestamp(),) * 2)
        self.clock.forward(hours=1)

    def look(self):
        self.printed.clear()
        code = self.trigger.check_inbox()
        return code, "\n".join(self.printed)

    def move_to(self, inbox):
        settings = self.settings(inbox)
        self.trigger = dataclasses.replace(
            self.trigger, settings=settings, inbox=open_inbox(settings)
        )

    def ledger_says(self):
        return [
            (each.name, each.state.value, each.same_as, each.tries)
            for each in self.ledger.batches()
        ]


@pytest.fixture
def shop(tmp_path, ledger, clock, batch_folder):
    """Trained batches, a copy of one, one without rows, and two that wait."""
    shop = Shop(tmp_path, ledger, clock, batch_folder)
    for name in ("learnt-2", "learnt-1"):
        shop.arrive(name)
    assert "published" in shop.look()[1]
    shop.arrive("copy", seed="learnt-1")
    shop.arrive("empty", table="file_name,card_id,captured_at\n")
    shop.arrive("waiting-b", photos=2)
    shop.arrive("waiting-a", photos=2)
    shop.look()
    return shop


def restored(shop, days):
    """Write the whole inbox again, with the batches in another order."""
    kept = shop.folder.with_name("kept")
    shop.folder.rename(kept)
    shutil.copytree(kept, shop.folder, copy_function=shutil.copyfile)
    moment = (shop.clock.moment + timedelta(days=days)).timestamp()
    for number, folder in enumerate(sorted(shop.folder.iterdir())):
        os.utime(folder / "_SUCCESS", (moment + number,) * 2)


def in_a_bucket(shop, endpoint):
    """Upload the whole inbox, with waiting batches in another order; return its address."""
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="shop")
    for file in sorted(each for each in shop.folder.rglob("*") if each.is_file()):
        key = f"inbox/{file.relative_to(shop.folder).as_posix()}"
        client.put_object(Bucket="shop", Key=key, Body=file.read_bytes())
    return f"s3://shop/inbox?endpoint={endpoint}"


def trains_on_nothing_again(shop):
    before, made = shop.ledger_says(), shop.target.made()
    waiting = [each for each in shop.ledger.batches() if each.state == "waiting"]
    code, printed = shop.look()
    assert code == 0
    assert "no run: 4 new photos in 2 batches are not enough" in printed
    assert sorted(shop.ledger_says()) == sorted(before)
    assert shop.target.made() == made
    assert [each for each in shop.ledger.batches() if each.state == "waiting"] == waiting
    assert "batch" not in shop.look()[1].replace("in 2 batches", ""), "and is quiet afterwards"


@pytest.mark.parametrize("days", [-900, 30])
def test_a_restored_inbox_starts_no_run(shop, days):
    restored(shop, days)
    trains_on_nothing_again(shop)


def test_an_inbox_moved_to_a_bucket_starts_no_run(shop, s3_endpoint, aws_credentials):
    shop.move_to(in_a_bucket(shop, s3_endpoint))
    trains_on_nothing_again(shop)


@pytest.mark.parametrize("days", [None, -900, 30])
def test_order_and_run_key_are_those_of_the_first_reading(shop, days):
    waiting = [each for each in shop.ledger.batches() if each.state == "waiting"]
    assert [each.name for each in waiting] == ["waiting-b", "waiting-a"]
    if days is not None:
        restored(shop, days)
    shop.arrive("newest", photos=2)
    shop.look()
    run_id, batches = shop.target.made()[-1]
    window = ["learnt-1", "newest", "waiting-a", "waiting-b"]
    assert batches == window, "the oldest is left out: learnt-2"
    planned = [each for each in shop.ledger.batches() if each.run_id == run_id]
    earlier = [run for run in shop.ledger.runs() if run.run_id != run_id]
    assert run_id == policy.run_id(planned, earlier)
    assert [each.arrived_at for each in planned[:2]] == [each.arrived_at for each in waiting]


def test_a_run_that_is_active_goes_on_as_it_was_planned(tmp_path, ledger, clock, batch_folder):
    shop = Shop(tmp_path, ledger, clock, batch_folder)
    shop.trigger = dataclasses.replace(
        shop.trigger, target=RecordingTarget(tmp_path / "target.sqlite", asks=2)
    )
    shop.arrive("monday", photos=6)
    assert "is running" in shop.look()[1]
    run = ledger.active_run()
    restored(shop, 30)
    shop.look()
    shop.look()
    assert shop.ledger_says() == [("monday", "learnt", None, 0)]
    assert [run_id for run_id, _ in shop.target.made()] == [run.run_id]


def test_a_batch_set_aside_by_its_runs_is_offered_again(tmp_path, ledger, clock, batch_folder):
    """Any newer `_SUCCESS` offers a batch again."""
    shop = Shop(tmp_path, ledger, clock, batch_folder)
    shop.arrive(f"{BAD}-1", photos=6)
    shop.look()
    shop.arrive("good", photos=6)
    shop.look()
    clock.forward(hours=2)
    shop.look()
    assert ("bad-1", "set_aside", None, 2) in shop.ledger_says()
    restored(shop, -900)
    assert shop.look() == (0, "no run: no new photos")
    shutil.rmtree(shop.folder.with_name("kept"))
    restored(shop, 30)
    assert "batch bad-1: 6 new photos" in shop.look()[1]
    assert len(shop.target.made()) == 4
