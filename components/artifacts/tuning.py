"""`trials.json` in a TunerResults artifact: what the Tuner tried; `json_file.read` reads it.

Nothing that reads files is imported here, as in `training`.
"""

from pydantic import BaseModel

FILE = "trials.json"

SETTINGS_FILE = "settings.yaml"
"""In a HyperParameters artifact: the best trial as a settings file."""


class Trial(BaseModel):
    """One training that is over; errors are in years.

    Attributes:
        settings: of `trainer`: those that are tuned.
        curve: MAE on `valid` after each epoch of the phase `whole`; None is not a number.
        epochs: that the phase would have had at most.
        hopeless: whether it was stopped because others were better by then.
        seconds: that it took.
    """

    settings: dict[str, float]
    curve: list[float | None]
    epochs: int
    hopeless: bool
    seconds: float

    @property
    def val_mae(self) -> float | None:
        """Of the epoch whose weights a training keeps; None where the training diverged."""
        return min((value for value in self.curve if value is not None), default=None)

    def line(self) -> str:
        """Settings and error, for people."""
        settings = ", ".join(f"{name} {value:g}" for name, value in self.settings.items())
        if self.val_mae is None:
            return f"{settings}: diverged"
        stopped = f", stopped after epoch {len(self.curve)} of {self.epochs}"
        return f"{settings}: valid MAE {self.val_mae:.2f} years{stopped if self.hopeless else ''}"


class Trials(BaseModel):
    """All of a search, in the order in which they were made; the first has the given settings."""

    trials: list[Trial] = []

    @property
    def best(self) -> Trial | None:
        """The first one with the lowest MAE on `valid`; None where none has any."""
        measured = [trial for trial in self.trials if trial.val_mae is not None]
        return min(measured, key=lambda trial: trial.val_mae or 0.0, default=None)

    @property
    def seconds(self) -> float:
        """That all of them took."""
        return sum(trial.seconds for trial in self.trials)
