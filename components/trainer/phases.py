"""The two phases of training: the output layer alone, then the whole network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from .checkpoint.checkpoint import Checkpoint
from .checkpoint.early_stopping import EarlyStopping
from .layers import age_distribution
from .model import BACKBONE
from .optimizer import FusedAdamW
from .progress import Reporter
from .training_errors import EndDiverged

HEAD = "head"
WHOLE = "whole"
"""Phases."""

WARM_UP_SHARE = 0.1
"""The share of the steps in which the learning rate rises."""
LAST_RATE_SHARE = 0.01
"""The last learning rate, as a share of the highest one."""

_NEVER_DECAYED = ["bias", "gamma", "beta"]
"""Only kernels decay: batch normalisation undoes the effect of decay on its scale."""


@dataclass(frozen=True)
class Batches:
    """The batches that a phase trains on, and those that it is measured on."""

    train: Callable[[str, int], tf.data.Dataset]
    """Returns the endless batches that follow, for a phase and the number of its epochs done."""
    valid: tf.data.Dataset
    steps: int
    """Batches of `train` in an epoch."""


def train_head(
    model: keras.Model,
    batches: Batches,
    epochs: int,
    learning_rate: float,
    log_folder: str,
    checkpoint: Checkpoint,
) -> list[dict]:
    """Train the output layer; the backbone and its moving statistics do not change.

    Returns:
        One entry for each epoch, as `Reporter` writes them.
    """
    if checkpoint.is_over(HEAD):
        return checkpoint.history[HEAD]
    model.get_layer(BACKBONE).trainable = False
    _compile(model, keras.optimizers.Adam(learning_rate))
    diverged = EndDiverged(
        "the output layer", batches.steps, ("trainer.head_learning_rate", learning_rate)
    )
    history = _fit(model, batches, HEAD, epochs, log_folder, [diverged], checkpoint)
    model.get_layer(BACKBONE).trainable = True
    return history


def train_whole(
    model: keras.Model,
    batches: Batches,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
    patience: int | None,
    log_folder: str,
    checkpoint: Checkpoint,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[dict]:
    """Train the whole network: a warm-up, then a cosine down to a hundredth of the rate.

    The model ends with the weights of its best epoch on `valid`. With `patience`, training stops
    after so many epochs that are not better.

    Returns:
        One entry for each epoch, as `Reporter` writes them.
    """
    steps = epochs * batches.steps
    warm_up = int(WARM_UP_SHARE * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate / 10,
        warmup_target=learning_rate,
        warmup_steps=warm_up,
        decay_steps=steps - warm_up,
        alpha=LAST_RATE_SHARE,
    )
    compile_whole(model, weight_decay)
    stopping = EarlyStopping(
        monitor="val_mae", mode="min", patience=patience or epochs, restore_best_weights=True
    )
    diverged = EndDiverged(
        "the whole network", batches.steps, ("trainer.learning_rate", learning_rate)
    )
    callbacks = [ScheduledRate(schedule), stopping, diverged, *callbacks]
    return _fit(model, batches, WHOLE, epochs, log_folder, callbacks, checkpoint)


def compile_whole(model: keras.Model, weight_decay: float) -> None:
    """Compile a model for the phase that trains the whole network.

    Its learning rate is Keras's default until `ScheduledRate` sets it.

    Args:
        model: one that returns logits, as `build_model` does; compiled in place.
        weight_decay: of kernels; nothing else decays.
    """
    optimizer = FusedAdamW(weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=_NEVER_DECAYED)
    _compile(model, optimizer)


class ScheduledRate(keras.callbacks.Callback):
    """Sets the learning rate of each step.

    An optimizer with the schedule itself computes the rate for each variable that decays: two
    hundred times a step, in a graph that takes 50 % longer to trace.

    Only applied steps count, over all epochs: in mixed precision the optimizer skips steps whose
    gradients overflow, as the first ones do until it finds a scale for the loss.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule):
        super().__init__()
        self._schedule = schedule

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        applied = int(keras.ops.convert_to_numpy(optimizer.iterations))
        optimizer.learning_rate = float(self._schedule(applied))


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    # Create all variables here: a variable that the first step creates causes a second tracing
    # of that step. A metric that is passed by name creates its variables there.
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        loss=age_distribution.DistributionLoss(),
        metrics=[age_distribution.ExpectedAgeError(name="mae")],
    )


def _fit(
    model: keras.Model,
    batches: Batches,
    phase: str,
    epochs: int,
    log_folder: str,
    callbacks: Sequence[keras.callbacks.Callback],
    checkpoint: Checkpoint,
) -> list[dict]:
    history = checkpoint.history.setdefault(phase, [])
    reporter = Reporter(phase, epochs, batches.steps, history)
    done = checkpoint.epochs_done(phase)
    tensorboard = keras.callbacks.TensorBoard(f"{log_folder}/{phase}", write_graph=False)
    model.fit(
        batches.train(phase, done),
        steps_per_epoch=batches.steps,
        validation_data=batches.valid,
        initial_epoch=done,
        epochs=epochs,
        verbose=0,
        shuffle=False,  # the data set shuffles
        callbacks=[
            *(tensorboard, reporter, *callbacks),
            *checkpoint.savers(phase, epochs, callbacks),
        ],
    )
    return history
