"""The two phases of training: the output layer alone, then the whole network."""

from dataclasses import dataclass

import keras
import tensorflow as tf

from customer_age.components.trainer import model as models
from customer_age.components.trainer.progress import Reporter

WARM_UP_SHARE = 0.1
LAST_RATE_SHARE = 0.01


@dataclass(frozen=True)
class Batches:
    """What a phase learns from and is steered by."""

    train: tf.data.Dataset
    valid: tf.data.Dataset
    steps: int
    """Batches of `train` that make an epoch."""


def train_head(
    model: keras.Model, batches: Batches, epochs: int, learning_rate: float, log_folder: str
) -> list[dict]:
    """Teach the output layer while the backbone, statistics included, stands still.

    Returns:
        One entry for each epoch, as `Reporter` keeps them.
    """
    model.get_layer(models.BACKBONE).trainable = False
    _compile(model, keras.optimizers.Adam(learning_rate))
    history = _fit(model, batches, "head", epochs, log_folder, [])
    model.get_layer(models.BACKBONE).trainable = True
    return history


def train_whole(
    model: keras.Model,
    batches: Batches,
    epochs: int,
    learning_rate: float,
    weight_decay: float,
    patience: int,
    log_folder: str,
) -> list[dict]:
    """Teach the whole network: a warm-up, a cosine down to a hundredth, early stopping.

    The model ends with the weights of its best epoch on `valid`.

    Returns:
        One entry for each epoch, as `Reporter` keeps them.
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
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay)
    _compile(model, optimizer)
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_mae", mode="min", patience=patience, restore_best_weights=True
    )
    return _fit(model, batches, "whole", epochs, log_folder, [stopping])


def _compile(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    # Its variables are made here: made in the first step, that step would be traced twice.
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, loss="mae", metrics=["mae"])


def _fit(
    model: keras.Model,
    batches: Batches,
    phase: str,
    epochs: int,
    log_folder: str,
    callbacks: list[keras.callbacks.Callback],
) -> list[dict]:
    reporter = Reporter(phase, epochs, batches.steps)
    tensorboard = keras.callbacks.TensorBoard(f"{log_folder}/{phase}", write_graph=False)
    model.fit(
        batches.train,
        steps_per_epoch=batches.steps,
        validation_data=batches.valid,
        epochs=epochs,
        verbose=0,
        callbacks=[tensorboard, reporter, *callbacks, keras.callbacks.TerminateOnNaN()],
    )
    return reporter.history
