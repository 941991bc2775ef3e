"""Reports the progress of the training through a logger."""

import logging
import time
from dataclasses import dataclass

import keras

LOGGER = logging.getLogger("customer_age.training")
"""Each record carries a `training` attribute: a `Progress`. Steps at DEBUG, epochs at INFO."""


@dataclass(frozen=True)
class Progress:
    """The state of the training after a step; MAE in years."""

    phase: str
    """`head` or `whole`."""
    epoch: int
    epochs: int
    step: int
    steps: int
    mae: float
    val_mae: float | None = None
    """Known at the end of an epoch."""


class Reporter(keras.callbacks.Callback):
    """Reports each step and each epoch, and adds to the history that the run report shows."""

    def __init__(self, phase: str, epochs: int, steps: int, history: list[dict]):
        super().__init__()
        self._history = history
        self._phase = phase
        self._epochs = epochs
        self._steps = steps
        self._epoch = 0
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the epoch's clock."""
        self._epoch = epoch + 1
        self._started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Report the running MAE."""
        self._report(logging.DEBUG, batch + 1, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Report the epoch and add it to the history."""
        logs = logs or {}
        self._history.append(
            {
                "phase": self._phase,
                "epoch": self._epoch,
                "loss": float(logs["loss"]),
                "mae": float(logs["mae"]),
                "val_mae": float(logs["val_mae"]),
                "seconds": round(time.monotonic() - self._started, 1),
            }
        )
        self._report(logging.INFO, self._steps, logs)

    def _report(self, level: int, step: int, logs: dict) -> None:
        progress = Progress(
            phase=self._phase,
            epoch=self._epoch,
            epochs=self._epochs,
            step=step,
            steps=self._steps,
            mae=float(logs.get("mae", float("nan"))),
            val_mae=float(logs["val_mae"]) if "val_mae" in logs else None,
        )
        LOGGER.log(
            level,
            "%s, epoch %d of %d, step %d of %d: MAE %.2f",
            progress.phase, progress.epoch, progress.epochs, step, self._steps, progress.mae,
            extra={"training": progress},
        )  # fmt: skip
