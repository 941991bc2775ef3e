"""The file of a checkpoint: whole or not at all, and of this training or not taken."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint_folder

_STATE = "state"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """Where a training is after an epoch, but for its arrays."""

    training: str
    """Its fingerprint, which tells it from others."""
    phase: str = ""
    epoch: int = 0
    """How many the phase has behind it; all of them, where it was stopped early."""
    history: dict[str, list[dict]] = field(default_factory=dict)
    """Phase to its epochs, as `Reporter` keeps them."""
    seconds: float = 0.0
    """That the training took."""


def read(folder: Path, training: str) -> tuple[State, dict[str, np.ndarray]] | None:
    """Read the whole checkpoint of a training; of one that cannot be used, log why.

    Args:
        folder: where it is kept.
        training: its fingerprint.

    Returns:
        The state, and all arrays by name. None where there is no checkpoint, or it is another
        training's, or damaged.
    """
    file = folder / checkpoint_folder.FILE
    if not file.exists():
        return None
    try:
        with np.load(file) as kept:
            state = State(**json.loads(str(kept[_STATE])))
            if state.training != training:
                _log.warning(
                    "The checkpoint %s is not used: it is of other settings, data, code or "
                    "libraries. The training starts from the beginning.", file,
                )  # fmt: skip
                return None
            # All of them at once: each has a checksum, and half a checkpoint is worse than none.
            return state, {name: kept[name] for name in kept.files if name != _STATE}
    except Exception as error:  # there is no end to what damaged bytes may raise
        _log.warning(
            "The checkpoint %s is not used: it is damaged (%s: %s). The training starts from the "
            "beginning.", file, type(error).__name__, error,
        )  # fmt: skip
        return None


def write(folder: Path, state: State, arrays: Mapping[str, np.ndarray]) -> None:
    """Write at once: whoever is killed meanwhile leaves the epoch before.

    Raises:
        OSError: it cannot be written. What stood there before is untouched.
    """
    content: dict[str, Any] = {**arrays, _STATE: np.array(json.dumps(asdict(state)))}
    unfinished = folder / checkpoint_folder.UNFINISHED
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with unfinished.open("wb") as file:
            np.savez(file, **content)
        unfinished.replace(folder / checkpoint_folder.FILE)
    finally:
        unfinished.unlink(missing_ok=True)
