"""Keras's early stopping, for a training that another process can resume."""

from collections.abc import Mapping

import keras
import numpy as np

_NUMBERS = ("wait", "best", "best_epoch", "stopped_epoch")
_WEIGHTS = "weights-"


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Saves and restores its patience and the best weights; a `checkpoint.Resumable`."""

    def state(self) -> dict[str, np.ndarray]:
        """Return the numbers and the best weights, by name."""
        known = {name: getattr(self, name) for name in _NUMBERS}
        numbers = {name: np.asarray(one) for name, one in known.items() if one is not None}
        weights = self.best_weights or []
        return numbers | {f"{_WEIGHTS}{i}": np.asarray(one) for i, one in enumerate(weights)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore the numbers and the best weights."""
        for name in _NUMBERS:
            setattr(self, name, state[name].item() if name in state else None)
        count = sum(name.startswith(_WEIGHTS) for name in state)
        self.best_weights = [state[f"{_WEIGHTS}{i}"] for i in range(count)] or None
