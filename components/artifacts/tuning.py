"""`trials.json` in a TunerResults artifact: the trials of the Tuner; `json_file.read` reads it.

This module must not import code that reads files, for the reason in `training`.
"""

from pydantic import BaseModel

FILE = "trials.json"

SETTINGS_FILE = "settings.yaml"
"""The file in a HyperParameters artifact with the best trial as settings."""


class Trial(BaseModel):
    """One finished training of a search; errors are in years.

    Attributes:
        settings: the tuned settings of `trainer`.
        curve: MAE on `valid` after each epoch of the phase `whole`; None instead of NaN.
        epochs: the maximum number of epochs of the phase.
        stopped_early: whether it was stopped because other trials were better at the same epoch.
        seconds: duration.
    """

    settings: dict[str, float]
    curve: list[float | None]
    epochs: int
    stopped_early: bool
    seconds: float

    @property
    def val_mae(self) -> float | None:
        """MAE of the epoch whose weights a training keeps; None if the training diverged."""
        return min((value for value in self.curve if value is not None), default=None)

    def line(self) -> str:
        """Describe settings and error in one line, for people."""
        settings = ", ".join(f"{name} {value:g}" for name, value in self.settings.items())
        if self.val_mae is None:
            return f"{settings}: diverged"
        sentence = f"{settings}: valid MAE {self.val_mae:.2f} years"
        if self.stopped_early:
            sentence += f", stopped after epoch {len(self.curve)} of {self.epochs}"
        return sentence


class Trials(BaseModel):
    """All trials of a search, in order; the first one has the settings of the search itself."""

    trials: list[Trial] = []

    @property
    def best(self) -> Trial | None:
        """The first trial with the lowest MAE on `valid`; None if no trial has an MAE."""
        measured = [trial for trial in self.trials if trial.val_mae is not None]
        return min(measured, key=lambda trial: trial.val_mae or 0.0, default=None)

    @property
    def seconds(self) -> float:
        """Total duration of all trials."""
        return sum(trial.seconds for trial in self.trials)
