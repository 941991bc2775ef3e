"""TFX's Tuner calls `tuner_fn`: here settings and ranges become a search."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
import keras_tuner
import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from ..artifacts.tuning import Trial
from ..trainer import inputs, phases
from ..trainer.checkpoint.checkpoint import Checkpoint
from ..trainer.checkpoint.checkpoint_folder import CHECKPOINT_FOLDER
from ..trainer.checkpoint.training_fingerprint import examples_digest
from ..trainer.run_fn import Hyperparameters, train
from ..trainer.training_errors import Diverged
from . import oracle, search_space
from .hopelessness import MedianStopping
from .kept_trials import KeptTrials

LOGGER = logging.getLogger("customer_age.tuning")
"""Each record carries a `trial` attribute, a `Trial`, and `number`, from 1."""


@dataclass(frozen=True)
class Search:
    """What is searched; the Tuner's `custom_config` besides the hyperparameters.

    Attributes:
        ranges: setting of `trainer` to its lowest and highest value.
        minutes: the budget of all trials together.
        max_trials: at most.
        trials_folder: where trials are kept for another process; empty for a folder that outlives
            this one, where there is such.
        weights_fingerprint: of the file of weights, or what stands for it.
        training_code: fingerprint of the code that trains.
    """

    ranges: search_space.Ranges
    minutes: float
    max_trials: int
    trials_folder: str
    weights_fingerprint: str
    training_code: str

    @classmethod
    def of(cls, custom_config: Mapping[str, Any]) -> "Search":
        """Take what is ours."""
        given = {name: custom_config[name] for name in cls.__dataclass_fields__}
        ranges = {name: (low, high) for name, (low, high) in given["ranges"].items()}
        return cls(**{**given, "ranges": ranges})


class AgeTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains with the settings of each trial, as a run would, and keeps what came of it.

    Args:
        fn_args: TFX's.
        given: the settings as they are.
        search: what is searched.
    """

    def __init__(self, fn_args: FnArgs, given: Hyperparameters, search: Search):
        self._fn_args = fn_args
        self._given = given
        folder = search.trials_folder or os.environ.get(CHECKPOINT_FOLDER) or fn_args.working_dir
        self._kept = KeptTrials(folder, _deciding(fn_args, given, search))
        self.trials = self._kept.known
        """Those that are over."""
        super().__init__(
            oracle.Oracle(
                search.ranges,
                {name: getattr(given, name) for name in search.ranges},
                self.trials,
                given.seed,
                search.max_trials,
                60 * search.minutes,
            ),
            directory=fn_args.working_dir,
            project_name="search",
            overwrite=True,
        )

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, **_: Any) -> dict[str, float]:
        """Train, unless another process has; see KerasTuner's.

        Raises:
            FatalError: whatever ended the training; KerasTuner would go on after any other.
        """
        number = int(trial.trial_id)
        if number >= len(self.trials.trials):
            try:
                self._kept.add(self._trained(number, trial.hyperparameters.values))
            except Exception as error:
                raise keras_tuner.errors.FatalError(str(error)) from error
        made = self.trials.trials[number]
        LOGGER.info(
            "trial %d: %s", number + 1, made.line(), extra={"trial": made, "number": number + 1}
        )
        # What diverged is worth no more than the median age: without any figure, the search would
        # come back to such settings.
        return {oracle.OBJECTIVE: self._mae_of_the_median if made.val_mae is None else made.val_mae}

    def _trained(self, number: int, values: Mapping[str, Any]) -> Trial:
        keras.utils.clear_session()
        started = time.monotonic()
        chosen = replace(self._given, **values)
        stopping = MedianStopping(self.trials.trials, chosen.epochs)
        logs = f"{self._fn_args.working_dir}/logs/{number}"
        try:
            history = train(self._fn_args, chosen, lambda _: Checkpoint(), logs, [stopping]).history
        except Diverged:
            history = []
        curve = [epoch["val_mae"] for epoch in history if epoch["phase"] == phases.WHOLE]
        return Trial(
            settings=dict(values),
            curve=[value if np.isfinite(value) else None for value in curve],
            epochs=chosen.epochs,
            hopeless=stopping.stopped,
            seconds=round(time.monotonic() - started, 1),
        )

    @property
    def _mae_of_the_median(self) -> float:
        ages = inputs.real_ages(self._fn_args.eval_files)
        return float(np.mean(np.abs(ages - np.median(ages))))


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Prepare the search.

    Args:
        fn_args: TFX's; `custom_config` holds the hyperparameters and the fields of `Search`.

    Raises:
        DataRefused: a split is empty.
    """
    given = Hyperparameters.of(fn_args.custom_config)
    search = Search.of(fn_args.custom_config)
    return TunerFnResult(AgeTuner(fn_args, given, search), {"verbose": 0})


def _deciding(fn_args: FnArgs, given: Hyperparameters, search: Search) -> dict[str, Any]:
    """All that decides what a trial ends with, besides what it is given, and which come next."""
    weights = {"weights": search.weights_fingerprint}  # in place of a path
    return {
        **asdict(given),
        **weights,
        "ranges": {name: list(bounds) for name, bounds in search.ranges.items()},
        "training_code": search.training_code,
        "data": examples_digest([*fn_args.train_files, *fn_args.eval_files]),
    }
