"""Chooses the settings of the next trial, and ends the search."""

from collections.abc import Mapping
from typing import Any

import keras_tuner

from ..artifacts.tuning import Trials
from . import search_space

OBJECTIVE = "val_mae"

_RANDOM_TRIALS = 5
"""Number of random trials before the results guide the search."""

_NOISE = 1e-2
"""Variance of a training's last MAE between seeds, as a share of its variance between settings."""

_CURIOSITY = 1.0
"""Weight of the predicted standard deviation against the predicted MAE. With KerasTuner's default
of 2.6, the few trials of a budget are spent on the corners of the ranges."""


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Bayesian optimization that resumes the trials of an earlier process, within a budget.

    KerasTuner does not replace its own files in one step: a process that is killed can leave files
    that cannot be read. The order of the settings: first those of `trials`, unchanged; then
    `current`; then random ones; then those for which a Gaussian process predicts the best result.

    Args:
        ranges: of the settings to search.
        current: the Trainer's settings as they are; the first trial uses them.
        trials: the finished trials, in order; the caller adds each new one.
        seed: of the random settings.
        max_trials: of the whole search.
        seconds: the budget of all trials together.
    """

    def __init__(
        self,
        ranges: search_space.Ranges,
        current: Mapping[str, float],
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
            seed=seed + 1,  # for KerasTuner, 0 means no seed
            hyperparameters=search_space.hyperparameters(ranges),
            allow_new_entries=False,
        )
        self._ranges = ranges
        self._current = current
        self._finished = trials
        self._budget = seconds

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Return the settings of the next trial, or end the search; KerasTuner calls it."""
        number = len(self.trials)
        if number < len(self._finished.trials):
            return self._running(self._finished.trials[number].settings)
        if not self._has_time():
            return {"status": keras_tuner.engine.trial.TrialStatus.STOPPED}
        if number == 0:
            return self._running(self._current)
        if number <= _RANDOM_TRIALS:
            # Seeded by the trial's number: the same if another process ran the earlier trials.
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
        """Return whether another trial fits into the budget; the first one always does."""
        longest = max((trial.seconds for trial in self._finished.trials), default=0.0)
        return self._finished.seconds + longest <= self._budget or not self._finished.trials

    @staticmethod
    def _running(values: Mapping[str, float]) -> dict[str, Any]:
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": dict(values),
        }
