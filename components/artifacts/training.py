"""`training.json` in a ModelRun artifact: what the Trainer did; `json_file.read` reads it.

Nothing that reads files is imported here: what the Trainer imports decides whether an earlier
training can be reused.
"""

from pydantic import BaseModel

FILE = "training.json"


class Epoch(BaseModel):
    """One epoch of training; `epoch` counts from 1 in each phase, errors are in years."""

    phase: str
    epoch: int
    loss: float
    mae: float
    val_mae: float
    seconds: float


class Training(BaseModel):
    """What the Trainer did; the file holds the hyperparameters, too.

    Attributes:
        best_epoch: of the phase `whole`: the one whose weights were kept.
        served_mae: years, of what is served on `valid`: `val_mae` of the best epoch, but for what
            only serving does, such as the mean with the mirror image; None in release 0.1's.
        median_age: years, of the labels in `train`.
        photos: in `train`.
        weights: what the network started from.
        seconds: of the whole training.
        input_size: pixels on each side of what the network sees.
    """

    weights: str
    input_size: int
    history: list[Epoch]
    best_epoch: int
    served_mae: float | None = None
    median_age: float
    photos: int
    device: str
    precision: str
    seconds: float

    @property
    def best(self) -> int | None:
        """The place in `history` of the epoch whose weights were kept, counting from 0."""
        for place, epoch in enumerate(self.history):
            if epoch.phase == "whole" and epoch.epoch == self.best_epoch:
                return place
        return None
