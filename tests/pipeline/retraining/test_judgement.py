"""Verdicts on a run's batches; `test_policy.py` plays whole sequences of runs."""

from datetime import timedelta

import pytest
from standing_clock import START

from customer_age.pipeline.retraining.judgement import attempts, since_trained, verdicts
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState, Run, RunState

FAILED, REFUSED, TRAINED = RunState.FAILED, RunState.DATA_REFUSED, RunState.PUBLISHED


def run(state, *names, hours=0):
    """A run with these new batches, planned and ended this many hours after START."""
    moment = START + timedelta(hours=hours)
    return Run(f"r{hours}", state, "", "", moment, new_batches=names, ended_at=moment)


def batches(names, tries=0):
    return [Batch(name, BatchState.TAKEN, 10, START, content=name, tries=tries) for name in names]


def together(runs, names="abcd"):
    """Return how many of the batches the next runs take after a run with all of them failed."""
    found = verdicts(FAILED, batches(names), "no registry", 2, runs)
    assert {each.state for each in found} == {BatchState.WAITING}
    assert {each.tries for each in found} == {0}, "a failure is not a try"
    return [each.together for each in found]


def test_the_third_failure_with_the_same_batches_halves_them():
    failed = [run(FAILED, *"abcd", hours=hours) for hours in range(3)]
    assert together(failed[:1]) == together(failed[:2]) == [4] * 4
    assert together(failed) == [2] * 4


def test_failures_are_counted_over_runs_of_other_batches():
    others = [run(FAILED, "x", hours=hours) for hours in (1, 3, 5)]
    own = [run(FAILED, *"abcd", hours=hours) for hours in (0, 2, 4)]
    runs = sorted([*own, *others], key=lambda each: each.planned_at)
    assert together(runs) == [2] * 4


@pytest.mark.parametrize("state", [REFUSED, TRAINED])
def test_failures_are_counted_since_a_run_that_trained_or_refused(state):
    before = [run(FAILED, *"abcd", hours=hours) for hours in range(3)]
    runs = [*before, run(state, *"abcd", hours=3), run(FAILED, *"abcd", hours=4)]
    assert together(runs) == [4] * 4


def test_the_runs_since_training_are_those_after_the_last_that_trained_on_a_batch():
    runs = [run(TRAINED, "a"), run(FAILED, "a", hours=1), run(TRAINED, "b", hours=2)]
    assert since_trained(runs, "a") == runs[1:]
    assert since_trained(runs, "b") == []
    assert since_trained(runs, "c") == runs
    assert since_trained([*runs, run(FAILED, "b", hours=3)], "b")[0].run_id == "r3"
    assert (attempts(runs, "a"), attempts(runs, "b"), attempts(runs, "c")) == (2, 1, 0)


def test_a_batch_alone_is_set_aside_by_its_last_try_once_others_got_through():
    first = run(REFUSED, "a", hours=1)
    other = run(TRAINED, "b", hours=2)
    last = run(REFUSED, "a", hours=3)

    def judged(runs, tries=1):
        [verdict] = verdicts(REFUSED, batches("a", tries), "10 of 12 photos", 2, runs)
        assert verdict.reason == "data refused: 10 of 12 photos"
        return verdict.state, verdict.tries

    assert judged([first, other, last]) == (BatchState.SET_ASIDE, 2)
    assert judged([first, other, last], tries=0) == (BatchState.WAITING, 1), "one is left"
    assert judged([first, last]) == (BatchState.WAITING, 2), "no other run has trained"
    before = run(TRAINED, "b", hours=0)
    assert judged([before, first, last]) == (BatchState.WAITING, 2), "not since then"
    with_it = run(TRAINED, "a", "b", hours=2)
    assert judged([first, with_it, last]) == (BatchState.WAITING, 2), "not without it"
    learnt = run(TRAINED, "a", hours=0)
    runs = [learnt, run(TRAINED, "b", hours=1), run(REFUSED, "a", hours=2), last]
    assert judged(runs) == (BatchState.WAITING, 2), "not since it was uploaded again"


def test_refused_batches_are_halved_and_the_last_half_is_one():
    halves = {1: 1, 2: 1, 3: 2, 4: 2, 5: 3}
    for count, half in halves.items():
        names = [f"{number}" for number in range(count)]
        found = verdicts(REFUSED, batches(names), "", 9, [run(REFUSED, *names)])
        assert [each.together for each in found] == [half] * count
        assert {each.reason for each in found} == {"data_refused"}


@pytest.mark.parametrize("state", [TRAINED, RunState.MODEL_REFUSED])
def test_batches_of_a_run_that_trained_are_learnt(state):
    found = verdicts(state, batches("ab", tries=1), "", 2, [run(state, "a", "b")])
    assert [(each.name, each.state, each.tries) for each in found] == [
        ("a", BatchState.LEARNT, 1),
        ("b", BatchState.LEARNT, 1),
    ]
