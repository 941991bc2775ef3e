"""Lets a training go on after its last whole epoch, in another process of the same container.

Keras's own `BackupAndRestore` keeps the weights of the model and of the optimizer alone. What else
the training depends on is kept with them, so that it ends as if nothing had happened: the random
numbers of the layers, the best weights and the patience of early stopping, the history. On several
GPUs, each of which has moving statistics of its own, their mean is kept: there the MAE on `valid`
may differ in the fourth digit.
"""

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .checkpoint_folder import CHECKPOINT_FOLDER

_FILE = "checkpoint.npz"
_STATE = "state"
_LOGS = "logs"
_OF_STOPPING = ("wait", "best", "best_epoch", "stopped_epoch")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Where a training is after an epoch, but for its arrays."""

    training: str
    """Settings and data, which tell it from others."""
    phase: str = ""
    epoch: int = 0
    """How many the phase has behind it; all of them, where it was stopped early."""
    history: dict[str, list[dict]] = field(default_factory=dict)
    """Phase to its epochs, as `Reporter` keeps them."""
    stopping: dict[str, float] = field(default_factory=dict)
    """Of early stopping."""
    seconds: float = 0.0
    """That the training took."""


class Checkpoint:
    """What is kept of one training, after each epoch.

    Args:
        folder: where, which may not be there yet; None keeps nothing.
        training: settings and data; nothing is taken of another training's checkpoint.
    """

    def __init__(self, folder: Path | None = None, training: str = ""):
        self._folder = folder
        self._started = time.monotonic()
        kept = _read_state(folder) if folder else None
        self._kept = kept if kept and kept.training == training else State(training)
        if self._kept.phase:
            _log.info("Going on after epoch %d of %s.", self._kept.epoch, self._kept.phase)
        self.history = {phase: list(epochs) for phase, epochs in self._kept.history.items()}
        """Phase to its epochs; `Reporter` adds to them."""

    @classmethod
    def in_container(cls, training: str) -> "Checkpoint":
        """The checkpoint whose folder the environment names, if it does."""
        folder = os.environ.get(CHECKPOINT_FOLDER)
        return cls(Path(folder) if folder else None, training)

    @property
    def seconds(self) -> float:
        """What the training took until now, without epochs that were lost."""
        return self._kept.seconds + time.monotonic() - self._started

    def epochs_done(self, phase: str) -> int:
        """How many epochs a phase has behind it."""
        return self._kept.epoch if phase == self._kept.phase else 0

    def is_over(self, phase: str) -> bool:
        """Whether a later phase has begun."""
        return phase in self._kept.history and phase != self._kept.phase

    def keepers(
        self, phase: str, epochs: int, stopping: keras.callbacks.EarlyStopping | None
    ) -> list[keras.callbacks.Callback]:
        """What restores a phase and keeps its epochs: the last of its callbacks.

        Args:
            phase: by name.
            epochs: of it, at most.
            stopping: what may end it early.
        """
        return [_Keeper(self, phase, epochs, stopping)] if self._folder else []

    def restore(self, model: keras.Model, stopping: keras.callbacks.EarlyStopping | None) -> None:
        """Put back what was kept.

        Args:
            model: compiled, its metrics built.
            stopping: what may end the phase early; it has begun.
        """
        assert self._folder is not None
        if not model.optimizer.built:  # one that scales the loss is built in the first step
            model.optimizer.build(model.trainable_variables)
        with np.load(self._folder / _FILE) as kept:
            for name, variables in _variables(model).items():
                for number, variable in enumerate(variables):
                    variable.assign(kept[f"{name}-{number}"])
            best = [name for name in kept.files if name.startswith("best-")]
            if stopping is not None:
                stopping.best_weights = [kept[name] for name in best] or None
        for name, value in self._kept.stopping.items():
            setattr(stopping, name, value)

    def keep(
        self,
        model: keras.Model,
        phase: str,
        epoch: int,
        stopping: keras.callbacks.EarlyStopping | None,
    ) -> None:
        """Put an epoch in the place of the one before it. A full disk ends no training.

        Args:
            model: as the epoch left it.
            phase: by name.
            epoch: how many the phase has behind it.
            stopping: what may end it early.
        """
        assert self._folder is not None
        state = replace(
            self._kept,
            phase=phase,
            epoch=epoch,
            history=self.history,
            stopping={name: getattr(stopping, name) for name in _OF_STOPPING} if stopping else {},
            seconds=self.seconds,
        )
        arrays: dict[str, Sequence[np.ndarray]] = {
            name: [np.asarray(one) for one in some] for name, some in _variables(model).items()
        }
        arrays["best"] = (stopping.best_weights if stopping else None) or []
        try:
            _write(self._folder, state, arrays)
        except OSError as error:
            _log.warning("Epoch %d of %s is not kept for another try: %s", epoch, phase, error)

    def log_folder(self, delivered: str) -> str:
        """Where TensorBoard's logs are written: the outputs are emptied before each try."""
        return str(self._folder / _LOGS) if self._folder else delivered

    def deliver_logs(self, folder: str) -> None:
        """Copy TensorBoard's logs to where they belong."""
        if self._folder is None:
            return
        for file in (self._folder / _LOGS).rglob("events.*"):
            name = file.relative_to(self._folder / _LOGS).as_posix()
            # Not by `files`: no change there is a change of the training.
            target = f"{folder.rstrip('/')}/{name}"
            tf.io.gfile.makedirs(target.rpartition("/")[0])
            tf.io.gfile.copy(str(file), target, overwrite=True)


class _Keeper(keras.callbacks.Callback):
    """Comes after all others: so early stopping has begun, or has judged the epoch."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        phase: str,
        epochs: int,
        stopping: keras.callbacks.EarlyStopping | None,
    ):
        super().__init__()
        self._checkpoint = checkpoint
        self._phase = phase
        self._epochs = epochs
        self._stopping = stopping

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._checkpoint.epochs_done(self._phase):
            self._checkpoint.restore(self.model, self._stopping)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        done = self._epochs if self.model.stop_training else epoch + 1
        self._checkpoint.keep(self.model, self._phase, done, self._stopping)


def _variables(model: keras.Model) -> dict[str, list]:
    """All that a step changes, but for the metrics, which each epoch sets back."""
    metrics = {id(one) for one in model.metrics_variables}
    return {
        "model": [one for one in model.variables if id(one) not in metrics],
        "optimizer": model.optimizer.variables,
    }


def _read_state(folder: Path) -> State | None:
    file = folder / _FILE
    if not file.exists():
        return None
    with np.load(file) as kept:
        return State(**json.loads(str(kept[_STATE])))


def _write(folder: Path, state: State, arrays: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write at once: whoever is killed meanwhile leaves the epoch before."""
    flat: dict[str, Any] = {
        f"{name}-{i}": one for name, some in arrays.items() for i, one in enumerate(some)
    }
    flat[_STATE] = np.array(json.dumps(asdict(state)))
    unfinished = folder / f"{_FILE}.unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **flat)
        unfinished.replace(folder / _FILE)
    finally:
        unfinished.unlink(missing_ok=True)
