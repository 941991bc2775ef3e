"""A year at a shop on a simulated clock: every good photo is trained exactly once.

The ledger is real, and begins as release 0.1 left it. Batches come each day, some of them refused,
some of them copies, some uploaded again or removed; registries and nodes are away by night and for
days; triggers die before and after each word with the target.
"""

import dataclasses
import random
import shutil
from collections import Counter
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from recording_target import BAD, RecordingTarget
from sqlalchemy import create_engine
from standing_clock import START
from test_trigger import Shop, arrive

from customer_age.errors import RunError
from customer_age.pipeline.retraining.ledger import ledger as ledgers
from customer_age.pipeline.retraining.ledger import revisions
from customer_age.pipeline.retraining.ledger.records import RunState

DAYS = 365
LOOK_EVERY = timedelta(hours=8)


class Killed(BaseException):
    """Simulates the death of a trigger."""


class YearsTarget(RecordingTarget):
    """A target that fails in outages, and during whose calls a trigger may die."""

    def __init__(self, file, clock, chance):
        super().__init__(file, asks=1)
        self._clock = clock
        self._chance = chance
        self._failed = set()

    def start(self, run_id, settings):
        self._die()
        super().start(run_id, settings)
        if down(self._clock.moment):
            self._failed.add(run_id)
        self._die()

    def state(self, run_id):
        state = super().state(run_id)
        return RunState.FAILED if run_id in self._failed and state.ended else state

    def reason(self, run_id):
        return "a node was lost" if run_id in self._failed else super().reason(run_id)

    def _die(self):
        if self._chance.random() < 0.1:
            raise Killed


def down(moment):
    """Each midnight, for three days in spring, for a week in autumn."""
    day = (moment - START) / timedelta(days=1)
    return moment.hour == 0 or 60 <= day < 63 or 200 <= day < 207


class Year:
    """The batches that arrive, and their expected states."""

    def __init__(self, shop, batch_folder, chance):
        self.shop = shop
        self._batch_folder = batch_folder
        self._chance = chance
        self.contents = Counter()
        self.refused = set()

    def a_day(self, day):
        root = self._put(f"day-{day:03}")
        self.contents[f"day-{day:03}"] = 1
        luck = self._chance.random()
        if luck < 0.05:
            self._put(f"{BAD}-{day:03}")
            self.refused.add(f"{BAD}-{day:03}")
        elif luck < 0.1:
            copy = root.with_name(f"day-{day:03}-copy")
            shutil.copytree(root, copy)
            arrive(copy, self.shop.clock)
            self.refused.add(copy.name)
        elif luck < 0.15:
            self._put(f"empty-{day:03}", photos=0)
            self.refused.add(f"empty-{day:03}")
        elif luck < 0.2 and day > 10:
            self._upload_again(root.with_name(f"day-{day - 5:03}"))

    def _put(self, name, photos=3):
        folder = self._batch_folder(name, photos)
        arrive(folder, self.shop.clock)
        return folder

    def _upload_again(self, folder):
        """Upload a batch with one more photo, so that it is trained again."""
        if self.shop.states()[folder.name] != "learnt":
            return
        self.contents[folder.name] += 1
        photo = next((folder / "photos").iterdir())
        (folder / "photos" / "again.jpg").write_bytes(photo.read_bytes() + b"again")
        with (folder / "photos.csv").open("a") as table:
            table.write("again.jpg,card-1,2026-01-01T10:00\n")
        arrive(folder, self.shop.clock)


def make_ledger_of_0_1(uri):
    config = Config()
    config.set_main_option("script_location", str(revisions.SCRIPTS))
    with create_engine(uri).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0.1")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
@pytest.mark.one_line
def test_a_year(tmp_path, clock, batch_folder, seed):
    chance = random.Random(seed)
    uri = f"sqlite:///{tmp_path}/ledger.sqlite"
    make_ledger_of_0_1(uri)
    shop = Shop(
        tmp_path,
        ledgers.Ledger(uri, "shop", clock),
        clock,
        ("retraining.retry_hours=1", "retraining.newest_batches=5"),
    )
    target = YearsTarget(tmp_path / "year.sqlite", clock, chance)
    shop.trigger = dataclasses.replace(shop.trigger, target=target, start_seconds=60)
    year = Year(shop, batch_folder, chance)
    killed, sizes = 0, []
    while clock.moment < START + timedelta(days=DAYS + 10):
        day = (clock.moment - START) / timedelta(days=1)
        if day == int(day) and day < DAYS:
            year.a_day(int(day))
            sizes.append((tmp_path / "ledger.sqlite").stat().st_size)
        try:
            shop.look(ledger=ledgers.Ledger(uri, "shop", clock))
        except Killed:
            killed += 1
        except RunError as error:
            assert "\n" not in str(error)
        clock.moment += LOOK_EVERY

    states = shop.states()
    good = {name: state for name, state in states.items() if name not in year.refused}
    assert good == dict.fromkeys(year.contents, "learnt")
    learnt = Counter(
        name for run in shop.ledger.runs() if run.state.trained for name in run.new_batches
    )
    assert learnt == year.contents, "each content of each batch, exactly once"
    aside = {
        batch.name: batch.reason for batch in shop.ledger.batches() if batch.name in year.refused
    }
    assert set(aside) == year.refused
    assert all(aside.values()), "each with its reason"
    waiting = {name for name in year.refused if states[name] != "set_aside"}
    assert len(waiting) <= 1, "the last one of which nothing has come since"
    made = [run_id for run_id, _ in target.made()]
    assert len(made) == len(set(made)), "no run was started twice"
    assert killed > 20
    failed = sum(run.state is RunState.FAILED for run in shop.ledger.runs())
    assert 5 < failed < DAYS / 2, "each night is an outage, and they back off"
    assert sizes[-1] < 3 * 2**20, "bytes: batches and runs, and nothing that grows with the looks"
