"""Calls `run_fn` in a process of its own, which can be killed at a step.

Arguments: the Trainer's `FnArgs` as JSON; the folder used as a container's pipeline root; and
optionally the epoch and the step at which to kill it, after the previous epoch was copied.
"""

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

from tfx.components.trainer.fn_args_utils import FnArgs

from customer_age.components.trainer.progress import LOGGER
from customer_age.components.trainer.run_fn import run_fn
from customer_age.kubeflow.container.kept_training import Copies


class Killer(logging.Handler):
    def __init__(self, at: tuple[int, int], awaited: Path):
        super().__init__(logging.DEBUG)
        self._at = at
        self._awaited = awaited

    def emit(self, record: logging.LogRecord) -> None:
        moment = record.training
        if (moment.epoch, moment.step) == self._at and moment.val_mae is None:
            until = time.monotonic() + 60
            while not self._awaited.exists() and time.monotonic() < until:
                time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    fn_args, root, *at = sys.argv[1:]
    if at:
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(Killer((int(at[0]), int(at[1])), Path(root, "checkpoint.npz")))
    copies = Copies(Path(os.environ["CUSTOMER_AGE_CHECKPOINT_FOLDER"]), root)
    copies.fetch()
    with copies.made():
        run_fn(FnArgs(**json.loads(fn_args)))
    copies.delete()
