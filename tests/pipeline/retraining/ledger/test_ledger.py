"""The ledger, over SQLite and over a real PostgreSQL server."""

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from standing_clock import START

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.retraining.ledger import queries
from customer_age.pipeline.retraining.ledger.ledger import Ledger
from customer_age.pipeline.retraining.ledger.records import (
    BatchState,
    Event,
    FoundBatch,
    RunState,
    Verdict,
)
from customer_age.pipeline.settings import loading


def found(name, minutes=0, content=None, problem="", photos=10):
    return FoundBatch(name, START + timedelta(minutes=minutes), photos, content or name, problem)


def names(batches):
    return [batch.name for batch in batches]


def test_batches_are_entered_once_and_come_by_arrival(ledger):
    assert names(ledger.add([found("b", 2), found("a", 1)])) == ["a", "b"]
    assert ledger.add([found("b", 2), found("a", 3)]) == []
    assert ledger.batches() == ledger.batches()
    assert names(ledger.batches()) == ["a", "b"]
    assert {batch.state for batch in ledger.batches()} == {BatchState.WAITING}
    assert ledger.batches()[0].arrived_at == START + timedelta(minutes=1)


def test_the_same_content_under_another_name_is_set_aside(ledger):
    ledger.add([found("a", 1, "same"), found("b", 2, "same")])
    ledger.add([found("c", 3, "same")])
    states = {batch.name: (batch.state, batch.same_as) for batch in ledger.batches()}
    assert states == {
        "a": (BatchState.WAITING, None),
        "b": (BatchState.SET_ASIDE, "a"),
        "c": (BatchState.SET_ASIDE, "a"),
    }
    assert "batch a" in ledger.batches()[1].reason


def test_a_copy_replaces_a_removed_original(ledger):
    ledger.add([found("a", 1, "same"), found("b", 2, "same"), found("other", 3)])
    assert ledger.forget_vanished({"b", "other"}) == ["a"]
    assert names(ledger.batches()) == ["other"], "the copy must be found again"
    ledger.add([found("b", 2, "same")])
    assert ledger.batches()[0].state == BatchState.WAITING


def test_what_a_run_has_taken_never_vanishes(ledger):
    ledger.plan("run-1", ledger.add([found("a")]), "{}", "why")
    assert ledger.forget_vanished(set()) == []
    ledger.settle("run-1", RunState.PUBLISHED, "", [Verdict("a", BatchState.LEARNT, 0)])
    assert ledger.forget_vanished(set()) == []
    assert names(ledger.batches()) == ["a"]


def test_a_batch_set_aside_is_entered_again_when_it_arrives_again(ledger):
    ledger.add([found("a", problem="no table")])
    assert ledger.add([found("a")]) == [], "the same arrival"
    again = found("a", 5, "mended")
    assert names(ledger.add([again])) == ["a"]
    assert ledger.batches()[0].state == BatchState.WAITING
    assert ledger.add([found("a", 9, "mended")]) == [], "while it waits, its content counts"
    assert ledger.batches()[0].arrived_at == again.arrived


def test_a_run_has_its_batches_from_one_moment_to_the_next(ledger, clock):
    batches = ledger.add([found("a", 1), found("b", 2)])
    run = ledger.plan("run-1", batches, '{"name": "x"}', "because")
    assert run == ledger.active_run()
    assert (run.run_id, run.why, run.settings) == ("run-1", "because", '{"name": "x"}')
    assert names(run.batches) == ["a", "b"]
    assert {batch.state for batch in ledger.batches()} == {BatchState.TAKEN}
    assert run.planned_at == clock.moment


def test_one_run_at_a_time(ledger):
    first, second = ledger.add([found("a", 1), found("b", 2)])
    assert ledger.plan("run-1", [first], "{}", "")
    assert ledger.plan("run-2", [second], "{}", "") is None
    ledger.settle("run-1", RunState.FAILED, "", [Verdict("a", BatchState.WAITING, 1)])
    assert ledger.plan("run-2", [second], "{}", "")


def test_an_outdated_plan_changes_nothing(ledger):
    (batch,) = ledger.add([found("a")])
    assert ledger.plan("run-1", [batch], "{}", "")
    ledger.settle("run-1", RunState.PUBLISHED, "", [Verdict("a", BatchState.LEARNT, 0)])
    assert ledger.plan("run-2", [batch], "{}", "") is None
    gone = dataclasses.replace(batch, name="b")
    assert ledger.plan("run-3", [gone], "{}", "") is None
    assert ledger.active_run() is None


def test_a_run_is_settled_once(ledger, clock):
    (batch,) = ledger.add([found("a")])
    ledger.plan("run-1", [batch], "{}", "")
    clock.forward(hours=1)
    verdicts = [Verdict("a", BatchState.WAITING, 1, 1, "failed: disk")]
    event = Event("run-1.failed", "t", "run-1", clock.moment)
    assert ledger.settle("run-1", RunState.FAILED, "disk", verdicts, [event])
    assert not ledger.settle("run-1", RunState.PUBLISHED, "", [], [event])
    (run,) = ledger.runs()
    assert (run.state, run.reason, run.ended_at) == (RunState.FAILED, "disk", clock.moment)
    (batch,) = ledger.batches()
    assert (batch.tries, batch.together, batch.tried_at) == (1, 1, clock.moment)
    assert batch.reason == "failed: disk"


def test_only_one_starts_a_run_until_its_time_is_over(ledger, clock):
    ledger.plan("run-1", ledger.add([found("a")]), "{}", "")
    assert ledger.hold("run-1", "one", 60)
    assert not ledger.hold("run-1", "two", 60)
    assert ledger.hold("run-1", "one", 60)
    clock.forward(seconds=61)
    assert ledger.hold("run-1", "two", 60)
    assert not ledger.hold("run-1", "one", 60)
    ledger.settle("run-1", RunState.PUBLISHED, "", [])
    clock.forward(seconds=61)
    assert not ledger.hold("run-1", "one", 60), "it has ended"


def test_a_run_of_which_nothing_was_started_can_be_struck_out(ledger):
    (batch,) = ledger.add([found("a")])
    ledger.plan("run-1", [batch], "{}", "")
    ledger.undo("run-1")
    assert (ledger.runs(), ledger.batches()) == ([], [batch])
    assert ledger.plan("run-1", [batch], "{}", "")
    ledger.settle("run-1", RunState.PUBLISHED, "", [Verdict("a", BatchState.LEARNT, 0)])
    ledger.undo("run-1")
    assert len(ledger.runs()) == 1


def test_an_event_is_taken_by_one_and_sent_once(ledger, clock):
    ledger.plan("run-1", ledger.add([found("a")]), "{}", "")
    event = Event("run-1.published", "t", "run-1", clock.moment, {"words": "ü"})
    ledger.settle("run-1", RunState.PUBLISHED, "", [], [event])
    assert ledger.outbox.take(60) == event
    assert ledger.outbox.take(60) is None
    clock.forward(seconds=61)
    assert ledger.outbox.take(60) == event, "who took it has died"
    ledger.outbox.sent(event.id)
    clock.forward(seconds=61)
    assert ledger.outbox.take(60) is None


def test_a_dropped_event_is_counted_and_never_taken(ledger, clock):
    names = ("a", "b", "c", "d")
    ledger.add([found(name, problem="no table") for name in names], keep_events=True)
    outbox = ledger.outbox
    first, second, _ = (outbox.take(60) for _ in range(3))
    outbox.sent(first.id)
    outbox.drop(second.id, "the webhook refuses it (422)")
    assert outbox.counts() == {"": 2, "the webhook refuses it (422)": 1}
    assert outbox.drop_older(START, "old") == 0
    assert outbox.drop_older(START + timedelta(seconds=1), "old") == 2
    clock.forward(hours=1)
    assert outbox.take(60) is None
    assert outbox.counts() == {"old": 2, "the webhook refuses it (422)": 1}


def test_an_event_that_cannot_be_sent_is_passed_over(ledger):
    ledger.add([found(name, problem="no table") for name in ("a", "b")], keep_events=True)
    first = ledger.outbox.take(0)
    assert ledger.outbox.take(0).id == first.id
    assert ledger.outbox.take(0, excluding=[first.id]).id != first.id


def test_pipelines_in_one_database_know_nothing_of_each_other(ledger, ledger_uri, clock):
    other = Ledger(ledger_uri, "other", clock)
    assert ledger.plan("run-1", ledger.add([found("a")]), "{}", "")
    assert other.batches() == []
    assert other.plan("run-1", other.add([found("a")]), "{}", "")
    other.settle("run-1", RunState.PUBLISHED, "", [Verdict("a", BatchState.LEARNT, 0)])
    assert ledger.active_run() is not None
    assert ledger.batches()[0].state == BatchState.TAKEN


def test_many_at_once_over_a_database_that_is_not_made_yet(ledger_uri, clock):
    """Of many that enter the same batches and plan the same runs, only one succeeds each time."""
    many, start = 8, threading.Barrier(8)

    def work(number):
        mine = Ledger(ledger_uri, "shop", clock)
        start.wait()
        entered = mine.add([found("a", 1, "same"), found("b", 2, "same"), found("c", 3)])
        waiting = [batch for batch in mine.batches() if batch.state == BatchState.WAITING]
        planned = mine.plan(f"run-{number}", waiting, "{}", "")
        start.wait()
        held = mine.hold(mine.active_run().run_id, str(number), 60)
        return len(entered), planned is not None, held

    with ThreadPoolExecutor(many) as pool:
        entered, planned, held = zip(*pool.map(work, range(many)), strict=True)
    assert sum(entered) == 3
    assert sum(planned) == 1
    assert sum(held) == 1


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"^the ledger \(retraining.ledger\) failed: ") as raised:
        Ledger(f"sqlite:///{tmp_path}/file/ledger.sqlite", "shop").batches()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("uri", ["mysql://host/db", "sqlite:///relative.sqlite", "sqlite://", "?"])
def test_an_address_of_no_ledger(uri):
    with pytest.raises(SettingsError, match=r"retraining\.ledger"):
        Ledger(uri, "shop")


def test_a_server_that_is_not_there_is_one_line_without_a_password(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "hidden-word")
    with pytest.raises(RunError, match="the ledger") as raised:
        Ledger("postgresql://shop@127.0.0.1:1/none", "shop").batches()
    assert "hidden-word" not in str(raised.value)


@pytest.mark.parametrize("name", ["a%20b", "a%2Fb", "a%25b", "a#b", "a?b", "Büro + 1 & 2", "a:b@c"])
def test_a_ledger_is_in_the_named_folder(tmp_path, name):
    uri = loading.load("local", work_dir=str(tmp_path / name)).ledger_uri
    Ledger(uri, "shop").batches()
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "retraining" / "ledger.sqlite").is_file()


def test_reading_runs_reads_each_batch_once(ledger, clock, monkeypatch):
    """Runs times batches would grow with the square of a shop's age."""
    reads = []

    class Counted:
        def __init__(self, batch):
            self.name, self._run_id = batch.name, batch.run_id

        @property
        def run_id(self):
            reads.append(self.name)
            return self._run_id

    for number in range(12):
        added = ledger.add([found(f"b{number}", number)])
        clock.forward(hours=1)
        ledger.plan(f"run-{number}", added, "{}", "")
        learnt = Verdict(f"b{number}", BatchState.LEARNT, 0)
        ledger.settle(f"run-{number}", RunState.PUBLISHED, "", [learnt])
    made = queries._batch
    monkeypatch.setattr(queries, "_batch", lambda row: Counted(made(row)))
    runs = ledger.runs()
    assert [names(run.batches) for run in runs] == [[f"b{number}"] for number in range(12)]
    assert len(reads) <= 2 * 12
