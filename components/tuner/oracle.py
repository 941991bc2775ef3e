"""Which settings are tried next, and when enough was tried."""

from collections.abc import Mapping
from typing import Any

import keras_tuner

from ..artifacts.tuning import Trials
from . import search_space

OBJECTIVE = "val_mae"

_RANDOM_TRIALS = 5
"""Before the results say where to look."""

_NOISE = 1e-2
"""Of the MAE that a training ends with, as a share of its variance between settings: another seed
gives another MAE."""

_CURIOSITY = 1.0
"""Standard deviations that count for what is not known well. With KerasTuner's 2.6, the few trials
that a budget has go to the corners of the ranges."""


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization that goes on with the trials of an earlier process, within a budget.

    KerasTuner's own files are not written at once, so that a process which is killed meanwhile
    leaves none that can be read. `trials` are handed out first, as they were; then the given
    settings, then random ones, then what a Gaussian process expects most of.

    Args:
        ranges: what may be chosen.
        given: the settings as they are, which the first trial has.
        trials: that are over, in their order; whoever runs the trials adds to them.
        seed: of the random settings.
        max_trials: in all.
        seconds: the budget of all trials together.
    """

    def __init__(
        self,
        ranges: search_space.Ranges,
        given: Mapping[str, float],
        trials: Trials,
        seed: int,
        max_trials: int,
        seconds: float,
    ):
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, "min"),
            max_trials=max(max_trials, len(trials.trials)),
            num_initial_points=1 + _RANDOM_TRIALS,
            alpha=_NOISE,
            beta=_CURIOSITY,
            seed=seed + 1,  # KerasTuner takes 0 for none
            hyperparameters=search_space.hyperparameters(ranges),
            allow_new_entries=False,
        )
        self._ranges = ranges
        self._given = given
        self._over = trials
        self._budget = seconds

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """See KerasTuner's; called for each trial, in order."""
        number = len(self.trials)
        if number < len(self._over.trials):
            return self._running(self._over.trials[number].settings)
        if not self._has_time():
            return {"status": keras_tuner.engine.trial.TrialStatus.STOPPED}
        if number == 0:
            return self._running(self._given)
        if number <= _RANDOM_TRIALS:
            # By the trial's number: the same whether or not another process made those before.
            first = self.seed + number * len(self._ranges)
            values = {
                each.name: each.random_sample(first + place)
                for place, each in enumerate(self.hyperparameters.space)
            }
            return self._running(search_space.rounded(values, self._ranges))
        proposed = super().populate_space(trial_id)
        if not proposed.get("values"):
            return proposed
        return self._running(search_space.rounded(proposed["values"], self._ranges))

    def _has_time(self) -> bool:
        """Whether another trial fits; the first one always does."""
        longest = max((trial.seconds for trial in self._over.trials), default=0.0)
        return self._over.seconds + longest <= self._budget or not self._over.trials

    @staticmethod
    def _running(values: Mapping[str, float]) -> dict[str, Any]:
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": dict(values),
        }
