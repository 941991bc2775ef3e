"""Errors that end a training because of its settings, each in one line."""

import contextlib
import logging
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from customer_age.errors import RunError, full_disk

_MEMORY_WORDS = ("resource_exhausted", "out of memory", "oom when allocating")
"""In the texts of XLA's and CUDA's errors, whose types are other ones."""

_log = logging.getLogger(__name__)


class Diverged(RunError):
    """The loss is no longer a finite number."""


class EndDiverged(keras.callbacks.Callback):
    """Ends the training at the first step whose loss is not a finite number.

    Further steps would waste time, and a checkpoint would save their result for another try.

    Args:
        trained: the trained part of the network, for the error.
        steps: of an epoch.
        rate: setting of the learning rate, and its value.
    """

    def __init__(self, trained: str, steps: int, rate: tuple[str, float]):
        super().__init__()
        self._trained = trained
        self._steps = steps
        self._setting, self._rate = rate
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Check the epoch's mean loss, which stays NaN or infinite once it is.

        Raises:
            Diverged: the loss is not a finite number.
        """
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            raise Diverged(
                f"training diverged: the loss is {float(loss)} at step {batch + 1} of "
                f"{self._steps} in epoch {self._epoch} of {self._trained}; lower "
                f"{self._setting} (it is {self._rate:g})"
            )


@contextlib.contextmanager
def out_of_memory_explained(batch_size: int, input_size: int) -> Iterator[None]:
    """Name the settings to lower if the device has too little memory.

    Args:
        batch_size: photos.
        input_size: pixels.

    Raises:
        RunError: the memory was not enough. It has no cause, so that no other try follows: that
            would hardly end better.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if full_disk(error) or not _is_out_of_memory(error):
            raise
        _log.exception("The device has too little memory.")
        raise RunError(
            f"out of memory: lower trainer.batch_size (it is {batch_size}) or trainer.input_size "
            f"(it is {input_size})"
        ) from None


def _is_out_of_memory(error: tf.errors.OpError) -> bool:
    text = str(error).lower()
    return isinstance(error, tf.errors.ResourceExhaustedError) or any(
        words in text for words in _MEMORY_WORDS
    )
