"""Lets a training go on after its last whole epoch, in another process, with the same result.

Keras's own `BackupAndRestore` keeps the weights of the model and of the optimizer alone. What else
the training depends on is kept with them, so that it ends as if nothing had happened: the random
numbers of the layers, the history, and the state of each callback that is `Resumable`. On several
GPUs, each of which has moving statistics of its own, their mean is kept: there the MAE on `valid`
may differ in the fourth digit.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import keras
import numpy as np
import tensorflow as tf

from customer_age.errors import RunError

from . import checkpoint_file, checkpoint_folder
from .checkpoint_file import State

_log = logging.getLogger(__name__)


@runtime_checkable
class Resumable(Protocol):
    """A callback whose state is part of the training's: at most one of its class in a phase."""

    def state(self) -> Mapping[str, np.ndarray]:
        """What `restore` needs, by name; asked for at the end of each epoch."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state; called when the callback has begun, before the first step."""


class Checkpoint:
    """What is kept of one training, after each epoch.

    Args:
        folder: where, which may not be there yet; None keeps nothing. What another training, or
            one that cannot be gone on with, has left there is deleted.
        training: its fingerprint; nothing is taken of another training's checkpoint.
        started: when the training began, by `time.monotonic`; now, if it is left out.
    """

    def __init__(
        self, folder: Path | None = None, training: str = "", started: float | None = None
    ):
        self._folder = folder
        self._started = time.monotonic() if started is None else started
        kept = checkpoint_file.read(folder, training) if folder else None
        self._kept, self._arrays = kept or (State(training), {})
        if self._kept.phase:
            _log.info("Going on after epoch %d of %s.", self._kept.epoch, self._kept.phase)
        else:
            self._clear()
        self.history = {phase: list(epochs) for phase, epochs in self._kept.history.items()}
        """Phase to its epochs; `Reporter` adds to them."""

    @classmethod
    def where_named(cls, training: str, started: float | None = None) -> "Checkpoint":
        """The checkpoint whose folder the environment names, if it does."""
        folder = os.environ.get(checkpoint_folder.CHECKPOINT_FOLDER)
        return cls(Path(folder) if folder else None, training, started)

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
        self, phase: str, epochs: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> list[keras.callbacks.Callback]:
        """What restores a phase and keeps its epochs: the last of its callbacks.

        Args:
            phase: by name.
            epochs: of it, at most.
            callbacks: all others; those that are `Resumable` are kept and restored.
        """
        resumable = [one for one in callbacks if isinstance(one, Resumable)]
        return [_Keeper(self, phase, epochs, resumable)] if self._folder else []

    def restore(self, model: keras.Model, callbacks: Sequence[Resumable]) -> None:
        """Put back what was kept.

        Args:
            model: compiled, its metrics built.
            callbacks: of the phase; they have begun.

        Raises:
            RunError: what was kept is of another model. It is deleted.
        """
        if not model.optimizer.built:  # one that scales the loss is built in the first step
            model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        shapes = {name: tuple(one.shape) for name, one in variables.items()}
        found = {name: self._arrays[name].shape for name in self._arrays if name in shapes}
        if found != shapes:
            self._clear()
            raise RunError(
                f"the checkpoint in {self._folder} is of another network; it is deleted: start the "
                "same command again, and the training starts from the beginning"
            )
        for name, variable in variables.items():
            variable.assign(self._arrays[name])
        for callback in callbacks:
            prefix = _prefix(callback)
            callback.restore(
                {
                    name.removeprefix(prefix): array
                    for name, array in self._arrays.items()
                    if name.startswith(prefix)
                }
            )
        self._arrays = {}  # some 400 MB, for a ResNet50

    def keep(
        self, model: keras.Model, phase: str, epoch: int, callbacks: Sequence[Resumable]
    ) -> None:
        """Put an epoch in the place of the one before it. A full disk ends no training.

        Args:
            model: as the epoch left it.
            phase: by name.
            epoch: how many the phase has behind it.
            callbacks: whose state is kept with it.
        """
        assert self._folder is not None
        state = replace(
            self._kept, phase=phase, epoch=epoch, history=self.history, seconds=self.seconds
        )
        arrays = {name: np.asarray(one) for name, one in _variables(model).items()}
        for callback in callbacks:
            prefix = _prefix(callback)
            arrays |= {f"{prefix}{name}": one for name, one in callback.state().items()}
        try:
            checkpoint_file.write(self._folder, state, arrays)
        except OSError as error:
            _log.warning("Epoch %d of %s is not kept for another try: %s", epoch, phase, error)

    def log_folder(self, delivered: str) -> str:
        """Where TensorBoard's logs are written: the outputs are emptied before each try."""
        return str(self._folder / checkpoint_folder.LOGS) if self._folder else delivered

    def deliver_logs(self, folder: str) -> None:
        """Copy TensorBoard's logs to where they belong."""
        if self._folder is None:
            return
        logs = self._folder / checkpoint_folder.LOGS
        for file in logs.rglob("events.*"):
            # Not by `files`: no change there is a change of the training.
            target = f"{folder.rstrip('/')}/{file.relative_to(logs).as_posix()}"
            tf.io.gfile.makedirs(target.rpartition("/")[0])
            tf.io.gfile.copy(str(file), target, overwrite=True)

    def _clear(self) -> None:
        if self._folder is None:
            return
        try:
            checkpoint_folder.delete(self._folder)
        except OSError as error:
            _log.warning(
                "%s: what another training left cannot be deleted: %s", self._folder, error
            )


class _Keeper(keras.callbacks.Callback):
    """Comes after all others: so they have begun, or have judged the epoch."""

    def __init__(
        self, checkpoint: Checkpoint, phase: str, epochs: int, callbacks: Sequence[Resumable]
    ):
        super().__init__()
        self._checkpoint = checkpoint
        self._phase = phase
        self._epochs = epochs
        self._callbacks = callbacks

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self._checkpoint.epochs_done(self._phase):
            self._checkpoint.restore(self.model, self._callbacks)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        done = self._epochs if self.model.stop_training else epoch + 1
        self._checkpoint.keep(self.model, self._phase, done, self._callbacks)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """All that a step changes, but for the metrics, which each epoch sets back."""
    metrics = {id(one) for one in model.metrics_variables}
    of_model = [one for one in model.variables if id(one) not in metrics]
    return {f"model/{i}": one for i, one in enumerate(of_model)} | {
        f"optimizer/{i}": one for i, one in enumerate(model.optimizer.variables)
    }


def _prefix(callback: Resumable) -> str:
    return f"{type(callback).__name__}/"
