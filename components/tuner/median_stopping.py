"""Stops a trial early if it is worse than the earlier trials."""

import statistics
from collections.abc import Sequence

import keras

from ..artifacts.tuning import Trial

LEAST_TRIALS = 3
"""Number of finished trials that are needed for a comparison."""

FIRST_SHARE = 1 / 3
"""Share of the epochs before the first comparison: at first, the MAE of a high learning rate is
worse than it will be at the end."""


class MedianStopping(keras.callbacks.Callback):
    """Stops a training if its best MAE on `valid` is above the median of the other trials.

    The others' best MAE is that of the same number of epochs. The rule is that of Vizier and
    Optuna. All trials have the same schedule of epochs.

    Args:
        others: the finished trials.
        epochs: maximum number of epochs of the phase.
    """

    def __init__(self, others: Sequence[Trial], epochs: int):
        super().__init__()
        self._others = others
        self._epochs = epochs
        self._best = float("inf")
        self.stopped = False
        """Whether this callback stopped the training."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compare the epoch with the other trials, unless it is the last one."""
        done = epoch + 1
        self._best = min(self._best, float((logs or {}).get("val_mae", float("inf"))))
        if done == self._epochs or done < FIRST_SHARE * self._epochs or self.model.stop_training:
            return
        bests = [best for trial in self._others if (best := _best_by(trial, done)) is not None]
        if len(bests) >= LEAST_TRIALS and self._best > statistics.median(bests):
            self.stopped = self.model.stop_training = True


def _best_by(trial: Trial, epochs: int) -> float | None:
    """Return the best MAE on `valid` of a trial's first epochs; None if there is none."""
    known = [value for value in trial.curve[:epochs] if value is not None]
    return min(known, default=None)
