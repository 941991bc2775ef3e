"""Lets another process resume a training after its last complete epoch, with the same result.

Keras's `BackupAndRestore` saves only the weights of the model and of the optimizer. Here all other
state of the training is saved with them: the random numbers of the layers, the history, and the
state of each `Resumable` callback. So a resumed training ends as an uninterrupted one would. With
several GPUs, each has its own moving statistics, and their mean is saved: the MAE on `valid` may
then differ in the fourth digit.
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
    """A callback with state that a checkpoint saves: at most one of its class in a phase."""

    def state(self) -> Mapping[str, np.ndarray]:
        """Return what `restore` needs, by name; called at the end of each epoch."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore a state; called after `on_train_begin`, before the first step."""


class Checkpoint:
    """The checkpoint of one training, saved after each epoch.

    Args:
        folder: of the checkpoint; it need not exist. None saves nothing. A checkpoint of another
            training, or one that cannot be resumed, is deleted.
        training: its fingerprint; the checkpoint of another training is not used.
        started: when the training began, by `time.monotonic`; by default now.
    """

    def __init__(
        self, folder: Path | None = None, training: str = "", started: float | None = None
    ):
        self._folder = folder
        self._started = time.monotonic() if started is None else started
        saved = checkpoint_file.read(folder, training) if folder else None
        self._saved, self._arrays = saved or (State(training), {})
        if self._saved.phase:
            _log.info("Resuming after epoch %d of %s.", self._saved.epoch, self._saved.phase)
        else:
            self._clear()
        self.history = {phase: list(epochs) for phase, epochs in self._saved.history.items()}
        """Phase to its epochs; `Reporter` adds to them."""

    @classmethod
    def from_environment(cls, training: str, started: float | None = None) -> "Checkpoint":
        """Open the checkpoint in the folder that `CHECKPOINT_FOLDER` names; not set saves nothing.

        Args:
            training: as of `Checkpoint`.
            started: as of `Checkpoint`.
        """
        folder = os.environ.get(checkpoint_folder.CHECKPOINT_FOLDER)
        return cls(Path(folder) if folder else None, training, started)

    @property
    def seconds(self) -> float:
        """The duration of the training until now, without lost epochs."""
        return self._saved.seconds + time.monotonic() - self._started

    def epochs_done(self, phase: str) -> int:
        """Return the number of saved epochs of a phase."""
        return self._saved.epoch if phase == self._saved.phase else 0

    def is_over(self, phase: str) -> bool:
        """Return whether a later phase has begun."""
        return phase in self._saved.history and phase != self._saved.phase

    def savers(
        self, phase: str, epochs: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> list[keras.callbacks.Callback]:
        """Return the callback that restores a phase and saves its epochs; it must be the last one.

        Args:
            phase: its name.
            epochs: its maximum number of epochs.
            callbacks: all others; the state of `Resumable` ones is saved and restored.

        Returns:
            One callback; none if there is no folder.
        """
        resumable = [one for one in callbacks if isinstance(one, Resumable)]
        return [_Saver(self, phase, epochs, resumable)] if self._folder else []

    def restore(self, model: keras.Model, callbacks: Sequence[Resumable]) -> None:
        """Restore the saved state.

        Args:
            model: compiled, its metrics built.
            callbacks: of the phase, after their `on_train_begin`.

        Raises:
            RunError: the checkpoint belongs to another network. It is deleted.
        """
        if not model.optimizer.built:  # one that scales the loss is built in the first step
            model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        shapes = {name: tuple(one.shape) for name, one in variables.items()}
        found = {name: self._arrays[name].shape for name in self._arrays if name in shapes}
        if found != shapes:
            self._clear()
            raise RunError(
                f"the checkpoint in {self._folder} belongs to another network and was deleted: run "
                "the same command again, and the training starts from the beginning"
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
        self._arrays = {}  # about 400 MB for a ResNet50

    def save(
        self, model: keras.Model, phase: str, epoch: int, callbacks: Sequence[Resumable]
    ) -> None:
        """Save an epoch in place of the previous one. A full disk does not end the training.

        Args:
            model: after the epoch.
            phase: its name.
            epoch: number of completed epochs of the phase.
            callbacks: their state is saved too.
        """
        assert self._folder is not None
        state = replace(
            self._saved, phase=phase, epoch=epoch, history=self.history, seconds=self.seconds
        )
        arrays = {name: np.asarray(one) for name, one in _variables(model).items()}
        for callback in callbacks:
            prefix = _prefix(callback)
            arrays |= {f"{prefix}{name}": one for name, one in callback.state().items()}
        try:
            checkpoint_file.write(self._folder, state, arrays)
        except OSError as error:
            _log.warning("Epoch %d of %s cannot be saved for another try: %s", epoch, phase, error)

    def log_folder(self, outputs: str) -> str:
        """Return the folder for TensorBoard's logs.

        It is the checkpoint's, because the outputs are emptied before each try.

        Args:
            outputs: returned if there is no checkpoint folder.
        """
        return str(self._folder / checkpoint_folder.LOGS) if self._folder else outputs

    def deliver_logs(self, folder: str) -> None:
        """Copy TensorBoard's logs from the checkpoint to a folder of the outputs."""
        if self._folder is None:
            return
        logs = self._folder / checkpoint_folder.LOGS
        for file in logs.rglob("events.*"):
            # Not with `files`: a change in that package must not require a new training.
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
                "%s: the checkpoint of another training cannot be deleted: %s", self._folder, error
            )


class _Saver(keras.callbacks.Callback):
    """Runs after all other callbacks, so that their state is the one to restore or to save."""

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
        self._checkpoint.save(self.model, self._phase, done, self._callbacks)


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return all variables that a step changes, except the metrics: each epoch resets those."""
    metrics = {id(one) for one in model.metrics_variables}
    of_model = [one for one in model.variables if id(one) not in metrics]
    return {f"model/{i}": one for i, one in enumerate(of_model)} | {
        f"optimizer/{i}": one for i, one in enumerate(model.optimizer.variables)
    }


def _prefix(callback: Resumable) -> str:
    return f"{type(callback).__name__}/"
