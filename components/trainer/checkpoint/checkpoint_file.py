"""The file of a checkpoint: always complete, and used only by the training that wrote it."""

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
    """The state of a training after an epoch, without its arrays."""

    training: str
    """The training's fingerprint."""
    phase: str = ""
    epoch: int = 0
    """Number of completed epochs of the phase; all of them if it was stopped early."""
    history: dict[str, list[dict]] = field(default_factory=dict)
    """Phase to its epochs, as `Reporter` writes them."""
    seconds: float = 0.0
    """Duration of the training."""


def read(folder: Path, training: str) -> tuple[State, dict[str, np.ndarray]] | None:
    """Read the checkpoint of a training; log why it cannot be used.

    Args:
        folder: of the checkpoint.
        training: its fingerprint.

    Returns:
        The state, and all arrays by name. None if there is no checkpoint, or if it belongs to
        another training or is damaged.
    """
    file = folder / checkpoint_folder.FILE
    if not file.exists():
        return None
    try:
        with np.load(file) as saved:
            state = State(**json.loads(str(saved[_STATE])))
            if state.training != training:
                _log.warning(
                    "The checkpoint %s is not used: it belongs to other settings, data, code or "
                    "libraries. The training starts from the beginning.", file,
                )  # fmt: skip
                return None
            # Read all arrays now: each has a checksum, and half a checkpoint is worse than none.
            return state, {name: saved[name] for name in saved.files if name != _STATE}
    except Exception as error:  # damaged bytes can raise any exception
        _log.warning(
            "The checkpoint %s is not used: it is damaged (%s: %s). The training starts from the "
            "beginning.", file, type(error).__name__, error,
        )  # fmt: skip
        return None


def write(folder: Path, state: State, arrays: Mapping[str, np.ndarray]) -> None:
    """Replace the file in one step: a process that is killed leaves the previous epoch.

    Raises:
        OSError: the file cannot be written. The previous one is unchanged.
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
