"""Ends a trial early that others were ahead of."""

import statistics
from collections.abc import Sequence

import keras

from ..artifacts.tuning import Trial

LEAST_TRIALS = 3
"""That are over, before another one is measured by them."""

FIRST_SHARE = 1 / 3
"""Of the epochs: before, a high learning rate looks worse than it ends."""


class MedianStopping(keras.callbacks.Callback):
    """Stops a training whose best MAE on `valid` is above the median of the others' by then.

    The rule is that of Vizier and Optuna. All trials have the same schedule of epochs.

    Args:
        others: the trials that are over.
        epochs: of the phase, at most.
    """

    def __init__(self, others: Sequence[Trial], epochs: int):
        super().__init__()
        self._others = others
        self._epochs = epochs
        self._best = float("inf")
        self.stopped = False
        """Whether it has stopped the training."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Judge the epoch, but for the last one, after which there is nothing to save."""
        done = epoch + 1
        self._best = min(self._best, float((logs or {}).get("val_mae", float("inf"))))
        if done == self._epochs or done < FIRST_SHARE * self._epochs or self.model.stop_training:
            return
        bests = [best for trial in self._others if (best := _best_by(trial, done)) is not None]
        if len(bests) >= LEAST_TRIALS and self._best > statistics.median(bests):
            self.stopped = self.model.stop_training = True


def _best_by(trial: Trial, epochs: int) -> float | None:
    """The best MAE on `valid` of a trial's first epochs."""
    known = [value for value in trial.curve[:epochs] if value is not None]
    return min(known, default=None)
