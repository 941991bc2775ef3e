"""`training.json` in a ModelRun artifact: the record of the Trainer; `json_file.read` reads it.

This module must not import code that reads files: a change of the Trainer's imports prevents the
reuse of an earlier training.
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
    """The record of the Trainer; the file also contains the hyperparameters.

    Attributes:
        best_epoch: the epoch of the phase `whole` whose weights were kept.
        served_mae: MAE of the exported model on `valid`, years. It differs from `val_mae` of the
            best epoch by what only serving does: the mean with the mirror image, and ages without
            bias. None in files of release 0.1.
        removed_bias: mean error on `valid` that was removed from the served ages, years; 0 if it
            may be chance, or if MAE would not be lower. None in files of earlier code.
        median_age: of the labels in `train`, years.
        photos: in `train`.
        weights: that the network started from.
        seconds: of the whole training.
        input_size: pixels on each side of the network's input.
    """

    weights: str
    input_size: int
    history: list[Epoch]
    best_epoch: int
    served_mae: float | None = None
    removed_bias: float | None = None
    median_age: float
    photos: int
    device: str
    precision: str
    seconds: float

    @property
    def best(self) -> int | None:
        """The index in `history` of the epoch whose weights were kept, counting from 0."""
        for place, epoch in enumerate(self.history):
            if epoch.phase == "whole" and epoch.epoch == self.best_epoch:
                return place
        return None
