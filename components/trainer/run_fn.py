"""TFX's Trainer calls `run_fn`, which trains a SavedModel on a run's settings and examples."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from customer_age.photos.spec import PhotoSpec

from ..artifacts import training
from . import devices, inputs, phases
from .checkpoint.checkpoint import Checkpoint
from .checkpoint.training_fingerprint import training_fingerprint
from .model import (
    CHAMPION,
    RANDOM,
    as_served,
    build_model,
    copy_weights,
    freeze_statistics,
    remove_bias,
)
from .serving_graph import signatures

_MEASURED_AT_ONCE = 64
"""Photos: enough for the processor, few enough for its memory."""


@dataclass(frozen=True)
class Hyperparameters:
    """The Trainer's `custom_config`; each is described with the settings of the same name."""

    weights: str
    input_size: int
    batch_size: int
    head_epochs: int
    epochs: int
    head_learning_rate: float
    learning_rate: float
    weight_decay: float
    dropout: float
    patience: int | None
    augmentation: bool
    mirror: bool
    photo_cache_mb: int
    seed: int

    @classmethod
    def of(cls, custom_config: Mapping[str, Any]) -> "Hyperparameters":
        """Read our hyperparameters; the rest (the code's fingerprint) only keys TFX's cache."""
        return cls(**{name: custom_config[name] for name in cls.__dataclass_fields__})


def run_fn(fn_args: FnArgs) -> None:
    """Train on `train`, evaluate each epoch on `valid`, and export the model.

    Writes the SavedModel, and `training.json` (settings, history, device, seconds) and TensorBoard
    logs into the model run's folder.

    Args:
        fn_args: TFX's; `custom_config` holds the hyperparameters, and the `PhotoSpec` of the
            examples as `photo_spec`.

    Raises:
        DataRefused: a split is empty, or smaller than one batch.
        SettingsError: the weights do not fit.
        RunError: training diverged, or the ImageNet weights could not be downloaded.
    """
    chosen = Hyperparameters.of(fn_args.custom_config)
    spec = PhotoSpec.model_validate(fn_args.custom_config["photo_spec"])
    started = time.monotonic()
    trained = train(
        fn_args,
        chosen,
        lambda training: Checkpoint.from_environment(training, started),
        fn_args.model_run_dir,
    )
    history, checkpoint = trained.history, trained.checkpoint
    checkpoint.deliver_logs(fn_args.model_run_dir)
    network = as_served(trained.model)
    bias = remove_bias(network, trained.valid, chosen.mirror)
    served = signatures.export(network, fn_args.serving_model_dir, spec, chosen.mirror)
    record = training.Training(
        weights=_weights_name(chosen.weights),
        input_size=chosen.input_size,
        history=[training.Epoch(**epoch) for epoch in history],
        best_epoch=_best(history)["epoch"],
        served_mae=round(_served_mae(served, fn_args.eval_files), 4),
        removed_bias=round(bias, 4),
        median_age=float(np.median(trained.ages)),
        photos=len(trained.ages),
        device=trained.device.name,
        precision=trained.device.precision,
        seconds=round(checkpoint.seconds, 1),
    )
    with tf.io.gfile.GFile(f"{fn_args.model_run_dir}/{training.FILE}", "w") as file:
        json.dump({**asdict(chosen), **record.model_dump()}, file, indent=1)


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        model: with the weights of its best epoch on `valid`.
        history: one entry for each epoch, as `Reporter` writes them.
        ages: of `train`, years.
        valid: its photos and ages, in batches.
        device: that it ran on.
        checkpoint: that the training resumed or began.
    """

    model: keras.Model
    history: list[dict]
    ages: np.ndarray
    valid: tf.data.Dataset
    device: devices.Device
    checkpoint: Checkpoint


def train(
    fn_args: FnArgs,
    chosen: Hyperparameters,
    checkpoint_of: Callable[[str], Checkpoint],
    log_folder: str,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Train on `train` and evaluate each epoch on `valid`; the Tuner's trials call this too.

    Args:
        fn_args: TFX's; its hyperparameters only count for the fingerprint.
        chosen: the hyperparameters.
        checkpoint_of: returns the checkpoint of the training with a fingerprint.
        log_folder: of TensorBoard's logs, if the checkpoint has no folder.
        callbacks: additional ones, for the whole network's phase.

    Raises:
        DataRefused: a split is empty.
        SettingsError: the weights do not fit.
        RunError: training diverged, or the ImageNet weights could not be downloaded.
    """
    keras.utils.set_random_seed(chosen.seed)
    device = devices.find_device()
    ages = inputs.real_ages(fn_args.train_files)
    batches = _batches(fn_args, chosen, len(ages))
    with devices.precision(device.precision), device.strategy.scope():
        model = build_model(chosen.input_size, chosen.weights, chosen.dropout, ages)
        if chosen.weights == CHAMPION:
            copy_weights(fn_args.base_model, model)
            freeze_statistics(model)
        checkpoint = checkpoint_of(_fingerprint(fn_args, device, model))
        logs = checkpoint.log_folder(log_folder)
        history = _train(model, batches, chosen, logs, checkpoint, callbacks)
    return Trained(model, history, ages, batches.valid, device, checkpoint)


def _fingerprint(fn_args: FnArgs, device: devices.Device, model: keras.Model) -> str:
    """Return the fingerprint of a training; the model must not be trained yet."""
    devices_used = {
        "precision": device.precision,
        "replicas": device.strategy.num_replicas_in_sync,
    }
    return training_fingerprint(
        {**fn_args.custom_config, **devices_used},
        [*fn_args.train_files, *fn_args.eval_files],
        model.get_weights(),
    )


def _batches(fn_args: FnArgs, chosen: Hyperparameters, photos: int) -> phases.Batches:
    batch_size = min(chosen.batch_size, photos)
    # This also reports an empty split before an hour of training is lost.
    measured = len(inputs.real_ages(fn_args.eval_files))
    steps = photos // batch_size
    decoded = inputs.decoded_bytes(photos, chosen.input_size, chosen.augmentation)

    def train(phase: str, epochs_done: int) -> tf.data.Dataset:
        return inputs.training_batches(
            fn_args.train_files,
            chosen.input_size,
            batch_size,
            chosen.augmentation,
            # Each phase has its own order, whether or not this process runs the other one.
            chosen.seed + (phase == phases.HEAD),
            epochs_done * steps,
            in_memory=decoded <= chosen.photo_cache_mb * 2**20,
        )

    return phases.Batches(
        train=train,
        valid=inputs.measuring_batches(
            fn_args.eval_files, chosen.input_size, 2 * batch_size, measured
        ),
        steps=steps,
    )


def _train(
    model: keras.Model,
    batches: phases.Batches,
    chosen: Hyperparameters,
    log_folder: str,
    checkpoint: Checkpoint,
    callbacks: Sequence[keras.callbacks.Callback],
) -> list[dict]:
    history = []
    if chosen.head_epochs and chosen.weights not in (RANDOM, CHAMPION):
        history += phases.train_head(
            model, batches, chosen.head_epochs, chosen.head_learning_rate, log_folder, checkpoint
        )
    history += phases.train_whole(
        model,
        batches,
        chosen.epochs,
        chosen.learning_rate,
        chosen.weight_decay,
        chosen.patience,
        log_folder,
        checkpoint,
        callbacks,
    )
    return history


def _served_mae(served: signatures.AgeModel, file_patterns: Sequence[str]) -> float:
    """Return the mean absolute error of the served model on a split, in years."""
    errors = [
        np.abs(served.serve_examples(records)["age"] - ages)
        for records, ages in inputs.labelled_records(file_patterns, _MEASURED_AT_ONCE)
    ]
    return float(np.mean(np.concatenate(errors)))


def _best(history: list[dict]) -> dict:
    """Return the epoch whose weights the model has: the lowest MAE on `valid` of phase `whole`."""
    whole = [epoch for epoch in history if epoch["phase"] == phases.WHOLE]
    return min(whole, key=lambda epoch: (not np.isfinite(epoch["val_mae"]), epoch["val_mae"]))


def _weights_name(weights: str) -> str:
    return Path(weights).name
