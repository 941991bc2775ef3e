"""The settings that a search tries, and its end; the results of trainings are made up."""

import logging
import logging.handlers
import math

import pytest

from customer_age.components.artifacts.tuning import Trial
from customer_age.components.tuner import tuner_fn
from customer_age.errors import DataRefused, RunError

CURRENT = {"learning_rate": 1e-3, "dropout": 0.2}
BEST_RATE = 4e-4


def as_expected(values):
    """Return an MAE that is lowest at the best learning rate; it took ten minutes."""
    mae = 5 + abs(math.log10(values["learning_rate"] / BEST_RATE)) + values["dropout"]
    return {"curve": [mae + 1, mae], "seconds": 600.0}


@pytest.fixture
def search(fn_args, monkeypatch):
    """Searches; returns the tuner and the settings of this process's trainings."""

    def searched(outcome=as_expected, **changed):
        trained = []

        def train(self, number, values):
            trained.append(dict(values))
            found = outcome(values)
            return Trial(settings=dict(values), epochs=2, stopped_early=False, **found)

        # Through the module, because TFX loads it again when a component runs.
        monkeypatch.setattr(tuner_fn.AgeTuner, "_trained", train)
        result = tuner_fn.tuner_fn(fn_args(**changed))
        result.tuner.search(**result.fit_kwargs)
        return result.tuner, trained

    return searched


def test_the_current_settings_come_first_and_all_others_are_within_the_ranges(search):
    tuner, trained = search(max_trials=9)
    assert trained[0] == CURRENT
    assert len({str(values) for values in trained}) == 9
    assert all(1e-4 <= values["learning_rate"] <= 1e-2 for values in trained)
    assert all(0 <= values["dropout"] <= 0.5 for values in trained)
    assert all(float(f"{value:.3g}") == value for one in trained for value in one.values())
    [best] = tuner.get_best_hyperparameters()
    assert best.values == tuner.trials.best.settings
    assert tuner.trials.best.val_mae < as_expected(CURRENT)["curve"][-1]


def test_results_guide_the_search(search):
    """The trials after the random ones are nearer to the optimum."""
    _, trained = search(max_trials=10)

    def distance(some):
        return sum(as_expected(values)["curve"][-1] for values in some) / len(some)

    assert distance(trained[6:]) < distance(trained[1:6])


def test_the_budget_is_that_of_all_trials_together(search):
    tuner, trained = search(minutes=35, max_trials=50)
    assert len(trained) == 3, "a fourth one would exceed the budget: 40 minutes"
    assert tuner.trials.seconds == 1800
    _, more = search(minutes=50, max_trials=50)
    assert len(more) == 2, "three were saved"


def test_even_the_smallest_budget_has_one_trial(search):
    _, trained = search(minutes=0.01)
    assert trained == [CURRENT]


def test_a_killed_search_resumes_with_its_finished_trials(search):
    left = 2

    def killed(values):
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        return as_expected(values)

    with pytest.raises(KeyboardInterrupt):
        search(killed)
    shown = logging.handlers.BufferingHandler(100)
    tuner_fn.LOGGER.addHandler(shown)
    tuner_fn.LOGGER.setLevel(logging.INFO)
    try:
        tuner, trained = search()
    finally:
        tuner_fn.LOGGER.removeHandler(shown)
        tuner_fn.LOGGER.setLevel(logging.NOTSET)
    assert len(trained) == 2
    assert len(tuner.trials.trials) == 4
    assert [record.number for record in shown.buffer] == [1, 2, 3, 4]
    assert shown.buffer[0].getMessage() == (
        "trial 1: learning_rate 0.001, dropout 0.2: valid MAE 5.60 years"
    )
    again, nothing = search()
    assert (again.trials, nothing) == (tuner.trials, [])


def test_a_resumed_search_tries_the_same_settings_as_an_uninterrupted_one(search):
    whole, _ = search(max_trials=4)
    search(max_trials=2, training_code="other")
    halves, rest = search(max_trials=4, training_code="other")
    assert len(rest) == 2
    assert halves.trials == whole.trials


@pytest.mark.parametrize(
    "changed",
    [
        {"training_code": "0ther"},
        {"epochs": 7},
        {"weights_fingerprint": "f11e"},
        {"ranges": {"learning_rate": [1e-4, 1e-3], "dropout": [0.0, 0.5]}},
    ],
)
def test_trials_of_another_search_are_not_used(search, changed):
    search(max_trials=1)
    assert len(search(max_trials=1, **changed)[1]) == 1
    assert search(max_trials=1)[1] == [], "each search has its own trials"


def test_settings_that_diverge_count_as_the_median_age(search):
    def diverging(values):
        finite = values["learning_rate"] <= 1e-3
        return {"curve": [7.0 if finite else None], "seconds": 1.0}

    tuner, trained = search(diverging, max_trials=8)
    assert max(values["learning_rate"] for values in trained) > 1e-3
    assert tuner.trials.best.val_mae == 7.0
    worst = max(tuner.oracle.trials.values(), key=lambda trial: trial.score)
    assert 10 < worst.score < 40, "the mean distance of ages from their median"


def test_an_error_in_a_training_ends_the_search(search):
    """KerasTuner would continue with the next trial."""

    def refusing(values):
        raise DataRefused("no examples")

    with pytest.raises(Exception, match="no examples") as caught:
        search(refusing)
    assert isinstance(caught.value.__cause__, RunError)


def test_saved_trials_that_cannot_be_read_are_run_again(search, tmp_path):
    search(max_trials=1)
    [file] = (tmp_path / "kept").iterdir()
    file.write_text(file.read_text()[:-10])
    assert len(search(max_trials=1)[1]) == 1
    assert search(max_trials=1)[1] == []


def test_trials_that_cannot_be_saved_do_not_end_the_search(search, tmp_path):
    (tmp_path / "kept").write_text("a file where the folder should be")
    tuner, _ = search(max_trials=2)
    assert len(tuner.trials.trials) == 2
