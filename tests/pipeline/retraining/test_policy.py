from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standing_clock import START

from customer_age.pipeline.retraining import policy
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState, Run, RunState
from customer_age.pipeline.settings.retraining import RetrainingSettings

NOW = START + timedelta(days=1)


def batch(name, hours=0.0, photos=10, state=BatchState.WAITING, **known):
    """A batch that arrived so many hours before NOW."""
    return Batch(name, state, photos, NOW - timedelta(hours=hours), content=name, **known)


def settings(**changed):
    return RetrainingSettings(
        **{"min_photos": 100, "max_wait_hours": 24, "cool_down_hours": 6, "retry_hours": 1}
        | changed
    )


def decide(batches, runs=(), drift=lambda _: None, **changed):
    present = [each.name for each in batches]
    return policy.decide(batches, present, runs, settings(**changed), NOW, drift)


def ended(state, hours):
    return Run("r", state, "", "", NOW, ended_at=NOW - timedelta(hours=hours))


def test_enough_photos():
    assert not decide([batch("a", photos=99)]).batches
    both = [batch("a", photos=60), batch("b", photos=40)]
    decision = decide(both)
    assert decision.batches == tuple(both)
    assert decision.why == "100 new photos in 2 batches: retraining.min_photos is 100"


def test_a_long_wait():
    assert not decide([batch("a", hours=23.9)]).batches
    decision = decide([batch("a", hours=24), batch("b")])
    assert len(decision.batches) == 2
    assert "a waiting for 24.0 hours" in decision.why


def test_drift():
    drifted = policy.Drift(0.31, "real_age", 64)
    assert not decide([batch("a")], drift=lambda _: drifted).batches, "it is not asked for"
    assert not decide([batch("a")], drift=lambda _: drifted, max_drift=0.4).batches
    decision = decide([batch("a")], drift=lambda _: drifted, max_drift=0.3)
    assert decision.batches
    assert "drift of real_age 0.310 on 64 photos: retraining.max_drift is 0.3" in decision.why
    assert not decide([batch("a")], max_drift=0.3).batches, "it cannot be measured"


def test_drift_is_not_measured_where_something_else_decides():
    def measured(_):
        raise AssertionError

    assert decide([batch("a", photos=500)], drift=measured, max_drift=0.1).batches
    assert not decide([], drift=measured, max_drift=0.1).batches


def test_the_cool_down_is_for_runs_that_trained():
    enough = [batch("a", photos=500)]
    resting = decide(enough, [ended(RunState.PUBLISHED, 5)])
    assert "1.0 hours of cool-down are left" in resting.why
    assert not resting.batches
    assert not decide(enough, [ended(RunState.MODEL_REFUSED, 5)]).batches
    assert decide(enough, [ended(RunState.PUBLISHED, 6)]).batches
    assert decide(enough, [ended(RunState.FAILED, 1), ended(RunState.DATA_REFUSED, 1)]).batches


def test_what_was_taken_away_starts_no_run():
    enough = [batch("a", photos=500)]
    assert not policy.decide(enough, [], [], settings(), NOW).batches


@pytest.mark.parametrize("state", [BatchState.TAKEN, BatchState.LEARNT, BatchState.SET_ASIDE])
def test_only_what_waits_starts_a_run(state):
    assert not decide([batch("a", photos=500, state=state)]).batches


def tried(name, hours, tries=1, together=2, run_id="failed", **known):
    tried_at = NOW - timedelta(hours=hours)
    return batch(name, tries=tries, together=together, run_id=run_id, tried_at=tried_at, **known)


def test_those_that_failed_together_are_tried_again_by_halves():
    group = [tried(name, 1) for name in "abcd"]
    other = tried("x", 1, run_id="other")
    assert [each.name for each in decide([*group, other]).batches] == ["a", "b"]
    assert not decide([tried("a", 0.9)]).batches, "not so soon"


def test_another_try_waits_for_no_cool_down_and_no_photos():
    assert decide([tried("a", 1, photos=1)], [ended(RunState.PUBLISHED, 0)]).batches


def test_the_window():
    learnt = [
        batch(name, hours, state=BatchState.LEARNT)
        for name, hours in [("a", 100), ("b", 50), ("c", 20), ("gone", 10)]
    ]
    aside = batch("bad", 15, state=BatchState.SET_ASIDE)
    new = [batch("new", 1), batch("late", 200)]

    def window(**changed):
        present = {"a", "b", "c", "bad", "new", "late"}
        return policy.data_window([*learnt, aside, *new], present, new, settings(**changed))

    assert window(newest_batches=None) == ("late", "a", "b", "c", "new")
    assert window(newest_batches=2) == ("late", "c", "new")
    assert window(newest_batches=0) == ("late", "new")
    assert window(newest_batches=None, newest_days=2) == ("late", "c", "new")
    assert window(newest_batches=None, newest_days=3) == ("late", "b", "c", "new")
    assert window(newest_batches=1, newest_days=3) == ("late", "new")


def test_a_runs_id_tells_its_batches_and_the_try():
    ids = {
        policy.run_id([batch("a")]),
        policy.run_id([batch("a", hours=1)]),
        policy.run_id([batch("a", tries=1)]),
        policy.run_id([batch("a"), batch("b")]),
    }
    assert len(ids) == 4
    assert policy.run_id([batch("b"), batch("a")]) in ids
    assert all(len(each) == 20 and each.startswith("retrain-") for each in ids)


@given(count=st.integers(1, 40), data=st.data(), tries=st.integers(1, 5))
def test_whatever_batches_are_guilty_they_alone_are_set_aside(count, data, tries):
    """Plays runs until nothing waits: as many as it takes, and not many more."""
    names = [f"{number:02}" for number in range(count)]
    guilty = data.draw(st.sets(st.sampled_from(names), max_size=3))
    batches = {name: batch(name, photos=100) for name in names}
    moment, runs = NOW, 0
    while True:
        limits = settings(tries=tries, cool_down_hours=0)
        chosen = policy.decide(list(batches.values()), names, [], limits, moment).batches
        if not chosen:
            break
        runs += 1
        failed = any(each.name in guilty for each in chosen)
        state = RunState.FAILED if failed else RunState.PUBLISHED
        for verdict in policy.verdicts(state, chosen, "why", tries):
            batches[verdict.name] = batch(
                verdict.name,
                photos=100,
                state=verdict.state,
                tries=verdict.tries,
                together=verdict.together,
                tried_at=moment,
                run_id=str(runs),
            )
        moment += timedelta(hours=2)
    states = {name: each.state for name, each in batches.items()}
    assert {name for name, state in states.items() if state == BatchState.SET_ASIDE} == guilty
    assert {name for name, state in states.items() if state == BatchState.LEARNT} == (
        set(names) - guilty
    )
    assert all(batches[name].tries >= tries for name in guilty)
    assert runs <= 1 + len(guilty) * (2 * count.bit_length() + tries)
