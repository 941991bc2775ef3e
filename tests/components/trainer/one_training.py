"""Trains by `run_fn` in a process of its own, which may be killed at a step.

Arguments: the Trainer's `FnArgs` as JSON; the epoch and the step at which it is killed, if it is.
"""

import json
import logging
import os
import signal
import sys

from tfx.components.trainer.fn_args_utils import FnArgs

from customer_age.components.trainer.progress import LOGGER
from customer_age.components.trainer.run_fn import run_fn


class Killer(logging.Handler):
    def __init__(self, at: tuple[int, int]):
        super().__init__(logging.DEBUG)
        self._at = at

    def emit(self, record: logging.LogRecord) -> None:
        moment = record.training
        if (moment.epoch, moment.step) == self._at and moment.val_mae is None:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    given, *at = sys.argv[1:]
    if at:
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(Killer((int(at[0]), int(at[1]))))
    run_fn(FnArgs(**json.loads(given)))
