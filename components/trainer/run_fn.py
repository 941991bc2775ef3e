"""TFX's Trainer calls `run_fn`: here a run's settings and examples become a SavedModel."""

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

from ..artifacts import training
from . import devices, inputs, phases
from .checkpoint.checkpoint import Checkpoint
from .checkpoint.training_fingerprint import training_fingerprint
from .model import CHAMPION, RANDOM, as_served, build_model, copy_weights, freeze_statistics
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
    patience: int
    augmentation: bool
    mirror: bool
    photo_cache_mb: int
    seed: int

    @classmethod
    def of(cls, custom_config: Mapping[str, Any]) -> "Hyperparameters":
        """Take what is ours; the rest (the code's fingerprint) only keys TFX's cache."""
        return cls(**{name: custom_config[name] for name in cls.__dataclass_fields__})


def run_fn(fn_args: FnArgs) -> None:
    """Train on `train`, steered by `valid`, and export.

    Besides the SavedModel, writes `training.json` (settings, history, device, seconds) and
    TensorBoard logs into the model run's folder.

    Args:
        fn_args: TFX's; `custom_config` holds the hyperparameters.

    Raises:
        DataRefused: a split is empty, or smaller than one batch.
        SettingsError: the weights do not fit.
        RunError: training diverged, or ImageNet weights could not be had.
    """
    chosen = Hyperparameters.of(fn_args.custom_config)
    started = time.monotonic()
    trained = train(
        fn_args,
        chosen,
        lambda training: Checkpoint.where_named(training, started),
        fn_args.model_run_dir,
    )
    history, checkpoint = trained.history, trained.checkpoint
    checkpoint.deliver_logs(fn_args.model_run_dir)
    served = signatures.export(as_served(trained.model), fn_args.serving_model_dir, chosen.mirror)
    record = training.Training(
        weights=_weights_name(chosen.weights),
        input_size=chosen.input_size,
        history=[training.Epoch(**epoch) for epoch in history],
        best_epoch=_best(history)["epoch"],
        served_mae=round(_served_mae(served, fn_args.eval_files), 4),
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
    """What a training ends with.

    Attributes:
        model: with the weights of its best epoch on `valid`.
        history: one entry for each epoch, as `Reporter` keeps them.
        ages: of `train`, years.
        device: that it ran on.
        checkpoint: what it went on from, or began.
    """

    model: keras.Model
    history: list[dict]
    ages: np.ndarray
    device: devices.Device
    checkpoint: Checkpoint


def train(
    fn_args: FnArgs,
    chosen: Hyperparameters,
    checkpoint_of: Callable[[str], Checkpoint],
    log_folder: str,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Train on `train`, steered by `valid`; the Tuner's trials do the same.

    Args:
        fn_args: TFX's; what the hyperparameters are is not read from it.
        chosen: the hyperparameters.
        checkpoint_of: gives what a training of a fingerprint goes on from.
        log_folder: of TensorBoard's logs, where the checkpoint has no place for them.
        callbacks: of the whole network's phase, besides the training's own.

    Raises:
        DataRefused: a split is empty.
        SettingsError: the weights do not fit.
        RunError: training diverged, or ImageNet weights could not be had.
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
    return Trained(model, history, ages, device, checkpoint)


def _fingerprint(fn_args: FnArgs, device: devices.Device, model: keras.Model) -> str:
    """Of a training whose model has not yet learnt anything."""
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
    # Also names an empty split before an hour is spent.
    measured = len(inputs.real_ages(fn_args.eval_files))
    steps = photos // batch_size
    decoded = inputs.decoded_bytes(photos, chosen.input_size, chosen.augmentation)

    def train(phase: str, epochs_done: int) -> tf.data.Dataset:
        return inputs.training_batches(
            fn_args.train_files,
            chosen.input_size,
            batch_size,
            chosen.augmentation,
            chosen.seed + (phase == phases.HEAD),  # its own order, whichever phases a process has
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
    """The mean absolute error on a split of what is served, in years."""
    errors = [
        np.abs(served.serve_examples(records)["age"] - ages)
        for records, ages in inputs.labelled_records(file_patterns, _MEASURED_AT_ONCE)
    ]
    return float(np.mean(np.concatenate(errors)))


def _best(history: list[dict]) -> dict:
    """The epoch whose weights were kept: of the whole network's, the lowest MAE on `valid`."""
    whole = [epoch for epoch in history if epoch["phase"] == phases.WHOLE]
    return min(whole, key=lambda epoch: (not np.isfinite(epoch["val_mae"]), epoch["val_mae"]))


def _weights_name(weights: str) -> str:
    return Path(weights).name
