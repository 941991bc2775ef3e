import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from standing_clock import START

from customer_age.pipeline.retraining import back_off, judgement, policy
from customer_age.pipeline.retraining.ledger.records import Batch, BatchState, Run, RunState
from customer_age.pipeline.settings.retraining import RetrainingSettings

NOW = START + timedelta(days=1)


def batch(name, hours=0.0, photos=10, state=BatchState.WAITING, **known):
    """A batch that arrived this many hours before NOW."""
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
    assert not decide([batch("a")], drift=lambda _: drifted).batches, "it is not measured"
    assert not decide([batch("a")], drift=lambda _: drifted, max_drift=0.4).batches
    decision = decide([batch("a")], drift=lambda _: drifted, max_drift=0.3)
    assert decision.batches
    assert "drift of real_age 0.310 on 64 photos: retraining.max_drift is 0.3" in decision.why
    assert not decide([batch("a")], max_drift=0.3).batches, "it cannot be measured"
    at_the_limit = policy.Drift(0.3, "real_age", 64)
    assert not decide([batch("a")], drift=lambda _: at_the_limit, max_drift=0.3).batches


def test_drift_is_not_measured_where_something_else_decides():
    def measured(_):
        raise AssertionError

    assert decide([batch("a", photos=500)], drift=measured, max_drift=0.1).batches
    assert not decide([], drift=measured, max_drift=0.1).batches


def test_the_cool_down_is_for_runs_that_trained():
    enough = [batch("a", photos=500)]
    resting = decide(enough, [ended(RunState.PUBLISHED, 5)])
    assert "cooling down for another 1.0 hours" in resting.why
    assert not resting.batches
    assert not decide(enough, [ended(RunState.MODEL_REFUSED, 5)]).batches
    assert decide(enough, [ended(RunState.PUBLISHED, 6)]).batches
    assert decide(enough, [ended(RunState.FAILED, 1), ended(RunState.DATA_REFUSED, 1)]).batches


def test_a_removed_batch_starts_no_run():
    enough = [batch("a", photos=500)]
    assert not policy.decide(enough, [], [], settings(), NOW).batches


@pytest.mark.parametrize("state", [BatchState.TAKEN, BatchState.LEARNT, BatchState.SET_ASIDE])
def test_only_a_waiting_batch_starts_a_run(state):
    assert not decide([batch("a", photos=500, state=state)]).batches


def tried(name, hours, tries=1, together=2, run_id="failed", **known):
    tried_at = NOW - timedelta(hours=hours)
    return batch(name, tries=tries, together=together, run_id=run_id, tried_at=tried_at, **known)


def test_those_that_failed_together_are_tried_again_by_halves():
    group = [tried(name, 1) for name in "abcd"]
    other = tried("x", 1, run_id="other")
    assert [each.name for each in decide([*group, other]).batches] == ["a", "b"]
    assert not decide([tried("a", 0.9)]).batches, "not so soon"


def test_another_try_names_its_batches_and_refusals():
    refused = [tried(name, 1, reason="10 of 12 photos") for name in "ab"]
    assert (
        decide(refused).why == "another try with 2 batches, refused 1 of 3 times: 10 of 12 photos"
    )
    failed = tried("a", 1, tries=0, reason="no registry")
    assert decide([failed]).why == "another try with a: no registry"


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
    to_the_hour = 49 / 24
    assert window(newest_batches=None, newest_days=to_the_hour) == ("late", "b", "c", "new")
    assert window(newest_batches=None, newest_days=to_the_hour - 0.001) == ("late", "c", "new")


def had(*names, state=RunState.FAILED, hours=0.0, run_id="r"):
    """A run with some new batches that ended this many hours before NOW."""
    moment = NOW - timedelta(hours=hours)
    return Run(run_id, state, "", "", moment, new_batches=names, ended_at=moment)


def test_a_runs_id_depends_on_its_batches_and_the_attempt():
    ids = {
        policy.run_id([batch("a")], []),
        policy.run_id([batch("a", hours=1)], []),
        policy.run_id([batch("a")], [had("a", "b")]),
        policy.run_id([batch("a"), batch("b")], []),
    }
    assert len(ids) == 4
    assert policy.run_id([batch("b"), batch("a")], [had("c")]) in ids
    assert all(len(each) == 20 and each.startswith("retrain-") for each in ids)


def test_after_a_run_that_failed_nothing_starts_for_a_while():
    enough = [batch("a", photos=500), tried("b", 9, tries=0)]
    runs = [had("b", hours=0.5)]
    assert decide(enough, runs).why == "the last run failed: the next may start in 0.5 hours"
    assert decide(enough, [had("b", hours=1)]).batches
    two = [had("b", hours=5), had("b", hours=1.5)]
    assert "the last 2 runs failed: the next may start in 0.5 hours" in decide(enough, two).why
    assert decide(enough, [*two[:1], had("b", state=RunState.PUBLISHED, hours=1.5)]).batches


def test_new_batches_take_a_turn_after_a_run_that_failed_with_others():
    enough = [batch("a", photos=500), tried("b", 9, tries=0)]
    assert [each.name for each in decide(enough, [had("b", hours=1)]).batches] == ["a"]
    assert [each.name for each in decide(enough, [had("x", hours=9)]).batches] == ["b"]


@dataclasses.dataclass
class Played:
    """Plays runs until no batch waits, or until a given day."""

    names: list
    ends: object
    limits: RetrainingSettings
    days: int = 400

    def __post_init__(self):
        self.batches = {name: batch(name, photos=100) for name in self.names}
        self.runs, moment = [], NOW
        while moment < NOW + timedelta(days=self.days):
            decision = policy.decide(
                list(self.batches.values()), self.names, self.runs, self.limits, moment
            )
            if decision.batches:
                self._run(decision.batches, moment)
            elif all(each.state != BatchState.WAITING for each in self.batches.values()):
                break
            moment += timedelta(hours=1)

    def _run(self, chosen, moment):
        run_id = policy.run_id(chosen, self.runs)
        assert run_id not in {run.run_id for run in self.runs}
        names = tuple(each.name for each in chosen)
        state = self.ends(names, moment)
        run = Run(run_id, state, "", "", moment, new_batches=names, ended_at=moment)
        self.runs.append(run)
        tries = self.limits.tries
        for verdict in judgement.verdicts(state, chosen, "why", tries, self.runs):
            self.batches[verdict.name] = batch(
                verdict.name,
                photos=100,
                state=verdict.state,
                tries=verdict.tries,
                together=verdict.together,
                tried_at=moment,
                run_id=run_id,
            )

    def named(self, state):
        return {name for name, each in self.batches.items() if each.state == state}


@hypothesis_settings(deadline=None)  # a busy machine
@given(count=st.integers(1, 40), data=st.data(), tries=st.integers(1, 5))
def test_only_bad_batches_are_set_aside(count, data, tries):
    """Plays runs until no batch waits: the number of runs is bounded."""
    names = [f"{number:02}" for number in range(count)]
    guilty = data.draw(st.sets(st.sampled_from(names), max_size=3))

    def ends(chosen, _):
        return RunState.DATA_REFUSED if guilty & set(chosen) else RunState.PUBLISHED

    played = Played(names, ends, settings(tries=tries, cool_down_hours=0), days=90)
    others = set(names) - guilty
    assert played.named(BatchState.LEARNT) == others
    if others and played.named(BatchState.SET_ASIDE) != guilty:
        # The base set may be the cause for the last batch tried, until another batch arrives.
        last = max(run.ended_at for run in played.runs if run.state.trained)
        for name in guilty - played.named(BatchState.SET_ASIDE):
            first = next(run for run in played.runs if name in run.new_batches)
            assert first.planned_at > last
    assert all(played.batches[name].tries >= tries for name in played.named(BatchState.SET_ASIDE))
    if played.named(BatchState.SET_ASIDE) == guilty:
        assert len(played.runs) <= 1 + len(guilty) * (2 * count.bit_length() + tries)


@hypothesis_settings(deadline=None)
@given(st.data())
def test_a_failure_never_loses_a_batch_and_a_bad_one_blocks_no_other(data):
    """Outages of any kind, and one batch that makes each of its runs fail."""
    names = [f"{number:02}" for number in range(data.draw(st.integers(1, 12)))]
    poisoned = data.draw(st.sampled_from([None, *names]))
    outages = data.draw(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 80)), max_size=3))

    def ends(chosen, moment):
        hour = (moment - NOW) / timedelta(hours=1)
        down = any(start <= hour < start + length for start, length in outages)
        return RunState.FAILED if down or poisoned in chosen else RunState.PUBLISHED

    played = Played(names, ends, settings(cool_down_hours=0), days=60)
    assert played.named(BatchState.LEARNT) == set(names) - {poisoned}
    assert not played.named(BatchState.SET_ASIDE)
    learnt = [name for run in played.runs if run.state.trained for name in run.new_batches]
    assert len(learnt) == len(set(learnt))


def test_a_refused_base_set_sets_aside_no_batch():
    def ends(chosen, moment):
        mended = moment > NOW + timedelta(days=9)
        return RunState.PUBLISHED if mended else RunState.DATA_REFUSED

    played = Played(["a", "b", "c", "d"], ends, settings(tries=2, cool_down_hours=0))
    assert played.named(BatchState.LEARNT) == {"a", "b", "c", "d"}
    assert len(played.runs) < 60, "a wait that doubles"


def test_the_wait_doubles_up_to_its_limit():
    limits = settings(retry_hours=1, max_retry_hours=24)
    waits = [back_off.hours_after(failures, limits) for failures in range(9)]
    assert waits == [0, 1, 2, 4, 8, 16, 24, 24, 24]
    assert back_off.hours_after(10**6, limits) == 24
    assert back_off.hours_after(1, settings(retry_hours=48, max_retry_hours=24)) == 48


def test_five_runs_in_a_row_that_do_not_train_are_a_pause():
    failed = [had("a", hours=hours, run_id=f"r{hours}") for hours in (9, 8, 7, 6, 5)]
    assert back_off.pause(failed[:4]) is None
    pause = back_off.pause([had("z", state=RunState.PUBLISHED, hours=10), *failed])
    assert (pause.runs, pause.opened_by) == (5, "r5")
    assert pause.sentence() == "paused since 2026-03-03 03:00 UTC: 5 runs in a row did not train"
    last = had("a", state=RunState.DATA_REFUSED, hours=1, run_id="r1")
    later = [*failed, dataclasses.replace(last, reason="12 of 12 photos")]
    assert (back_off.pause(later).runs, back_off.pause(later).opened_by) == (6, "r5")
    assert back_off.pause(later).reason == "12 of 12 photos", "of the last one"
    assert back_off.pause([*failed, had("a", state=RunState.MODEL_REFUSED)]) is None
    forgiven = [dataclasses.replace(run, forgiven=True) for run in failed]
    assert back_off.pause(forgiven) is None
    assert decide([batch("a", photos=500)], forgiven[:1]).batches
