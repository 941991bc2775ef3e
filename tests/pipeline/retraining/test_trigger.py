"""The trigger, with the real ledger and a real folder, and a target that runs nothing."""

import dataclasses
import os

import pytest
from recording_target import RecordingTarget

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.cli.retrain import _ledger_lines
from customer_age.pipeline.retraining.inbox import open_inbox
from customer_age.pipeline.retraining.ledger.records import BatchState, RunState
from customer_age.pipeline.retraining.trigger import Trigger
from customer_age.pipeline.retraining.webhook import Webhook
from customer_age.pipeline.settings import loading

POLICY = (
    "retraining.min_photos=1",
    "retraining.cool_down_hours=0",
    "retraining.retry_hours=0",
    "retraining.newest_batches=null",
)


class Champions:
    """A registry with or without a champion."""

    there = False

    def exists(self):
        return self.there

    def version(self):
        return "1" if self.there else ""

    def published(self, run_id):
        return {"version": "1"}

    def drift(self, batches):
        return None


class Shop:
    """Everything that a trigger works with, and the lines that it has printed."""

    def __init__(self, folder, ledger, clock, overrides=(), **target):
        (folder / "inbox").mkdir(exist_ok=True)
        self.said = []
        self.target = RecordingTarget(folder / "target.sqlite", **target)
        self.ledger = ledger
        self.clock = clock
        settings = loading.load(
            "local",
            (*POLICY, *overrides),
            work_dir=str(folder / "work"),
            data__path=str(folder),
            data__inbox=str(folder / "inbox"),
        )
        self.trigger = Trigger(
            settings=settings,
            inbox=open_inbox(settings),
            ledger=ledger,
            target=self.target,
            champions=Champions(),
            check=lambda _: None,
            say=self.said.append,
            clock=clock,
        )

    def look(self, **changed):
        """Check once; return the exit code and the printed lines."""
        self.said.clear()
        code = dataclasses.replace(self.trigger, **changed).check_inbox()
        return code, "\n".join(self.said)

    def states(self):
        return {batch.name: batch.state.value for batch in self.ledger.batches()}

    def learnt_in(self):
        return [batches for _, batches in self.target.made()]


@pytest.fixture
def shop(tmp_path, ledger, clock):
    return lambda *overrides, **target: Shop(tmp_path, ledger, clock, overrides, **target)


def arrive(folder, clock):
    """Set a batch's arrival to the clock's time."""
    os.utime(folder / "_SUCCESS", (clock.moment.timestamp(),) * 2)


def test_a_batch_is_trained_once(shop, batch_folder):
    here = shop()
    batch_folder("monday")
    code, said = here.look()
    assert code == 0
    assert "batch monday: 3 new photos" in said
    assert "ended, published" in said
    assert here.states() == {"monday": "learnt"}
    assert here.look() == (0, "no run: no new photos")
    assert here.learnt_in() == [["monday"]]


def test_a_batch_that_is_half_uploaded_waits_for_its_success(shop, batch_folder):
    here = shop()
    folder = batch_folder("monday", complete=False)
    code, said = here.look()
    assert code == 0
    assert said.splitlines() == [
        "batches without _SUCCESS are not complete yet: monday",
        "no run: no new photos",
    ]
    (folder / "_SUCCESS").touch()
    here.look()
    assert here.states() == {"monday": "learnt"}


def test_a_batch_that_arrives_during_a_run_is_in_the_next_one(shop, batch_folder):
    here = shop(asks=4)
    batch_folder("monday")
    assert "is running" in here.look()[1]
    batch_folder("tuesday")
    code, said = here.look()
    assert (code, here.states()) == (0, {"monday": "taken", "tuesday": "waiting"})
    assert "is running" in said
    assert "batch tuesday: 3 new photos" in said
    for _ in range(9):
        here.look()
    assert here.states() == {"monday": "learnt", "tuesday": "learnt"}
    assert here.learnt_in() == [["monday"], ["monday", "tuesday"]]


def test_the_policys_reason_is_printed(shop, batch_folder, clock):
    here = shop("retraining.min_photos=7", "retraining.max_wait_hours=24")
    arrive(batch_folder("monday"), clock)
    clock.forward(hours=1)
    not_enough = "are not enough yet: a run starts with 7 photos, or after a wait of 24 hours"
    assert f"3 new photos in 1 batch {not_enough}" in here.look()[1]
    clock.forward(hours=23)
    assert "monday waiting for 24.0 hours" in here.look()[1]
    assert here.states() == {"monday": "learnt"}


def test_a_run_starts_from_the_champion_where_there_is_one(shop, batch_folder):
    here = shop("retraining.epochs=1", "retraining.learning_rate=1.0e-5", "trainer.epochs=5")
    batch_folder("monday")
    here.look()
    here.trigger.champions.there = True
    batch_folder("tuesday")
    here.look()
    first, second = (here.target.settings(run_id).trainer for run_id, _ in here.target.made())
    assert (first.weights, first.epochs) == ("imagenet", 5)
    assert (second.weights, second.epochs, second.learning_rate) == ("champion", 1, 1e-5)


def test_the_data_window(shop, batch_folder, clock):
    here = shop("retraining.newest_batches=2")
    for day in ("monday", "tuesday", "wednesday"):
        arrive(batch_folder(day), clock)
        here.look()
        clock.forward(days=1)
    assert here.learnt_in() == [["monday"], ["monday", "tuesday"], ["tuesday", "wednesday"]]


def test_the_same_batch_under_two_names_is_trained_once(shop, batch_folder):
    here = shop()
    batch_folder("monday", seed="same")
    here.look()
    batch_folder("monday-again", seed="same")
    code, said = here.look()
    assert code == 0
    same = "its photos and table are the same as those of batch monday"
    assert f"batch monday-again is set aside: {same}" in said
    assert here.learnt_in() == [["monday"]]


@pytest.mark.parametrize(
    ("name", "table", "says"),
    [
        ("monday", "file_name,card_id,captured_at\n", "photos.csv: no rows"),
        ("monday", "\n\n", "photos.csv: the table is empty"),
        ("mon,day", "", "its name may contain only letters, digits"),
    ],
    ids=["no rows", "no header", "a comma in its name"],
)
def test_a_bad_batch_is_set_aside_as_soon_as_it_is_seen(shop, batch_folder, name, table, says):
    here = shop()
    batch_folder(name, table=table)
    batch_folder("tuesday")
    _, said = here.look()
    assert f"batch {name} is set aside: " in said
    assert says in said
    assert here.states() == {name: "set_aside", "tuesday": "learnt"}


def test_a_batch_without_a_table_is_set_aside_until_it_is_fixed(shop, batch_folder, clock):
    here = shop()
    folder = batch_folder("monday")
    table = (folder / "photos.csv").read_text()
    (folder / "photos.csv").unlink()
    arrive(folder, clock)
    assert "batch monday is set aside: no label table" in here.look()[1]
    (folder / "photos.csv").write_text(table)
    assert here.look()[1] == "no run: no new photos", "it was not offered again"
    clock.forward(minutes=5)
    arrive(folder, clock)
    here.look()
    assert here.states() == {"monday": "learnt"}


def test_a_batch_whose_data_are_refused_is_set_aside_when_another_run_has_trained(
    shop, batch_folder
):
    here = shop()
    batch_folder("bad-monday")
    codes = [here.look()[0] for _ in range(3)]
    assert codes == [4, 4, 4], "each check started a run that ended"
    (batch,) = here.ledger.batches()
    assert (batch.state, batch.tries) == (BatchState.WAITING, 3), "it may be the base set"
    batch_folder("tuesday")
    here.look()
    assert here.states() == {"bad-monday": "waiting", "tuesday": "learnt"}
    here.look()
    (batch, _) = here.ledger.batches()
    assert (batch.state, batch.tries) == (BatchState.SET_ASIDE, 4)
    assert batch.reason == "data refused: a photo explodes"
    assert here.look() == (0, "no run: no new photos")
    assert len({run_id for run_id, _ in here.target.made()}) == 5, "each try is a separate run"


def test_the_guilty_one_among_many_is_found_and_the_others_go_on(shop, batch_folder, clock):
    here = shop()
    for number in range(9):
        arrive(batch_folder("bad-5" if number == 5 else f"batch-{number}"), clock)
        clock.forward(minutes=1)
    while "no new photos" not in here.look()[1]:
        pass
    states = here.states()
    assert states.pop("bad-5") == "set_aside"
    assert set(states.values()) == {"learnt"}
    good = [set(batches) for _, batches in here.target.made() if "bad-5" not in batches]
    assert len(good[-1]) == 8
    assert len(here.target.made()) <= 9


def test_a_failed_run_waits_before_its_next_try_and_new_batches_do_not(shop, batch_folder, clock):
    here = shop("retraining.retry_hours=2")
    batch_folder("bad-monday")
    here.look()
    assert "no run: no new photos; 1 batch will be tried again later" in here.look()[1]
    batch_folder("tuesday")
    here.look()
    assert here.states() == {"bad-monday": "waiting", "tuesday": "learnt"}
    clock.forward(hours=2)
    assert "with bad-monday, refused 1 of 3 times: data refused: a photo explodes" in here.look()[1]


def test_a_trigger_that_died_before_it_started_the_run(shop, batch_folder):
    here = shop()
    batch_folder("monday")

    class Dies:
        def state(self, run_id):
            return RunState.UNKNOWN

        def start(self, run_id, settings):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        here.look(target=Dies())
    (run,) = here.ledger.runs()
    assert here.states() == {"monday": "taken"}
    assert "is being started" in here.look()[1], "the other one may be slow and not dead"
    here.clock.forward(seconds=301)
    here.look()
    assert [run_id for run_id, _ in here.target.made()] == [run.run_id]
    assert here.states() == {"monday": "learnt"}


def test_a_planned_run_goes_on_in_the_work_folder_as_it_is_called_now(shop, batch_folder, tmp_path):
    here = shop()
    batch_folder("monday")

    class Dies:
        def state(self, run_id):
            return RunState.UNKNOWN

        def start(self, run_id, settings):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        here.look(target=Dies())
    here.clock.forward(seconds=301)
    moved = here.trigger.settings.model_copy(update={"work_dir": str(tmp_path / "w2")})
    here.look(settings=moved)
    (run,) = here.ledger.runs()
    assert here.target.settings(run.run_id).work_dir == str(tmp_path / "w2")


def test_a_lost_ledger_finds_its_runs_again(shop, batch_folder, tmp_path, clock):
    from customer_age.pipeline.retraining.ledger.ledger import Ledger

    here = shop()
    batch_folder("monday")
    here.look()
    empty = Ledger(f"sqlite:///{tmp_path}/new.sqlite", "shop", clock)
    assert "ended, published" in here.look(ledger=empty)[1]
    assert [batch.state for batch in empty.batches()] == [BatchState.LEARNT]
    assert len(here.target.made()) == 1, "nothing was started again"


def test_wrong_settings_leave_nothing_behind(shop, batch_folder):
    here = shop()
    batch_folder("monday")

    def wrong(settings):
        raise SettingsError("data.path: no such folder")

    with pytest.raises(SettingsError, match=r"data\.path"):
        here.look(check=wrong)
    assert (here.states(), here.ledger.runs()) == ({"monday": "waiting"}, [])


def test_settings_that_the_target_refuses_leave_nothing_behind(shop, batch_folder):
    here = shop()
    batch_folder("monday")

    class Picky(RecordingTarget):
        def start(self, run_id, settings):
            raise SettingsError("cluster.image: not set")

    with pytest.raises(SettingsError, match=r"cluster\.image"):
        here.look(target=Picky(here.target._file))
    assert (here.states(), here.ledger.runs()) == ({"monday": "waiting"}, [])


def test_a_batch_that_the_check_refuses_counts_as_refused_data(shop, batch_folder):
    here = shop("retraining.tries=1")
    batch_folder("monday")

    def check(settings):
        if settings.data.batches:
            raise SettingsError("monday/photos.csv: no column 'card_id'")

    code, said = here.look(check=check)
    assert code == 4
    assert "ended, data refused: monday/photos.csv: no column 'card_id'" in said
    assert [(each.state, each.tries) for each in here.ledger.batches()] == [("waiting", 1)]
    assert here.target.made() == []


def test_an_unreachable_target_is_reported_and_the_next_check_continues(shop, batch_folder):
    here = shop()
    batch_folder("monday")

    class Unreachable(RecordingTarget):
        def start(self, run_id, settings):
            super().start(run_id, settings)
            raise RunError("the answer never came")

    with pytest.raises(RunError, match="never came"):
        here.look(target=Unreachable(here.target._file))
    here.look()
    assert here.states() == {"monday": "learnt"}
    assert len(here.target.made()) == 1


def test_a_batch_that_cannot_be_read_now_is_not_set_aside(shop, batch_folder):
    here = shop()
    folder = batch_folder("monday")

    class Unreadable:
        def __init__(self, real):
            self._real = real

        def __getattr__(self, name):
            return getattr(self._real, name)

        def digests(self, name):
            raise OSError("the network is down")

    code, said = here.look(inbox=Unreadable(here.trigger.inbox))
    assert code == 1
    assert "batch monday cannot be read now: the network is down" in said
    assert here.states() == {}
    assert folder.is_dir()
    here.look()
    assert here.states() == {"monday": "learnt"}


def test_a_registry_that_fails_keeps_no_end_from_being_written_down(shop, batch_folder):
    here = shop()
    batch_folder("monday")

    class Silent(Champions):
        def published(self, run_id):
            raise RunError("the registry is away")

    webhook = Webhook("http://127.0.0.1:1/", timeout_seconds=20, attempts=1)
    code, said = here.look(champions=Silent(), webhook=webhook)
    assert code == 0, "an unreachable webhook does not fail it either"
    assert "the registry cannot describe its version: the registry is away" in said
    assert "could not be sent: the webhook cannot be reached" in said
    assert here.states() == {"monday": "learnt"}


def test_batches_in_the_settings_are_none_of_the_triggers(shop, batch_folder):
    here = shop('data.batches=["by-hand"]')
    batch_folder("monday")
    here.look()
    assert here.learnt_in() == [["monday"]]


def test_a_data_window_has_no_removed_batch(shop, batch_folder):
    here = shop()
    folder = batch_folder("monday")
    here.look()
    folder.rename(folder.parent.parent / "archived")
    batch_folder("tuesday")
    here.look()
    assert here.learnt_in() == [["monday"], ["tuesday"]]


def test_the_ledger_in_lines(shop, batch_folder):
    here = shop()
    batch_folder("monday")
    here.look()
    run, batch = _ledger_lines(here.ledger.batches(), here.ledger.runs())
    assert run.endswith(": published, monday")
    assert batch == "batch monday: learnt, 3 photos"
