"""What may end a training that nothing is wrong with but its settings, each in one line."""

import contextlib
import logging
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from customer_age.errors import RunError, full_disk

_SAID_OF_MEMORY = ("resource_exhausted", "out of memory", "oom when allocating")
"""By XLA and CUDA, within errors of other kinds."""

_log = logging.getLogger(__name__)


class Diverged(RunError):
    """The loss is not a finite number any more."""


class EndDiverged(keras.callbacks.Callback):
    """Ends the training at the first step whose loss is not a finite number.

    What follows is not worth the time, and would be kept for another try.

    Args:
        learning: what learns, in words.
        steps: of an epoch.
        rate: setting that gives the learning rate, and its value.
    """

    def __init__(self, learning: str, steps: int, rate: tuple[str, float]):
        super().__init__()
        self._learning = learning
        self._steps = steps
        self._setting, self._rate = rate
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Look at the epoch's mean loss, which stays NaN or infinite once it is.

        Raises:
            Diverged: it is.
        """
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss):
            raise Diverged(
                f"training diverged: the loss is {float(loss)} at step {batch + 1} of "
                f"{self._steps} in epoch {self._epoch} of {self._learning}; lower "
                f"{self._setting} (it is {self._rate:g})"
            )


@contextlib.contextmanager
def out_of_memory_explained(batch_size: int, input_size: int) -> Iterator[None]:
    """Name the settings to lower where the device has too little memory.

    Args:
        batch_size: photos.
        input_size: pixels.

    Raises:
        RunError: memory was not enough. Without a cause: another try would hardly end better.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if full_disk(error) or not _is_of_memory(error):
            raise
        _log.exception("The device's memory is not enough.")
        raise RunError(
            f"out of memory: lower trainer.batch_size (it is {batch_size}) or trainer.input_size "
            f"(it is {input_size})"
        ) from None


def _is_of_memory(error: tf.errors.OpError) -> bool:
    text = str(error).lower()
    return isinstance(error, tf.errors.ResourceExhaustedError) or any(
        words in text for words in _SAID_OF_MEMORY
    )
