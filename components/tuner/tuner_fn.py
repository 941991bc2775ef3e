"""TFX's Tuner calls `tuner_fn`, which prepares a search from settings and ranges."""

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
from .median_stopping import MedianStopping
from .trial_records import TrialRecords

LOGGER = logging.getLogger("customer_age.tuning")
"""Each record carries a `trial` attribute, a `Trial`, and `number`, from 1."""


@dataclass(frozen=True)
class Search:
    """The search: the part of the Tuner's `custom_config` that is not a hyperparameter.

    Attributes:
        ranges: setting of `trainer` to its lowest and highest value.
        minutes: the budget of all trials together.
        max_trials: of the whole search.
        trials_folder: where trials are saved for another process; if empty, the folder that
            `CHECKPOINT_FOLDER` names, or else TFX's working folder.
        weights_fingerprint: of the file of weights, or the value that replaces it.
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
        """Read the fields of the search."""
        fields = {name: custom_config[name] for name in cls.__dataclass_fields__}
        ranges = {name: (low, high) for name, (low, high) in fields["ranges"].items()}
        return cls(**{**fields, "ranges": ranges})


class AgeTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains with the settings of each trial, as a run would, and saves the result.

    Args:
        fn_args: TFX's.
        current: the Trainer's settings as they are.
        search: ranges, budget and fingerprints.
    """

    def __init__(self, fn_args: FnArgs, current: Hyperparameters, search: Search):
        self._fn_args = fn_args
        self._current = current
        folder = search.trials_folder or os.environ.get(CHECKPOINT_FOLDER) or fn_args.working_dir
        self._kept = TrialRecords(folder, _search_identity(fn_args, current, search))
        self.trials = self._kept.known
        """The finished trials."""
        super().__init__(
            oracle.Oracle(
                search.ranges,
                {name: getattr(current, name) for name in search.ranges},
                self.trials,
                current.seed,
                search.max_trials,
                60 * search.minutes,
            ),
            directory=fn_args.working_dir,
            project_name="search",
            overwrite=True,
        )

    def run_trial(self, trial: keras_tuner.engine.trial.Trial, **_: Any) -> dict[str, float]:
        """Train, unless another process has run this trial; KerasTuner calls it.

        Raises:
            FatalError: an error ended the training. After any other exception, KerasTuner would
                continue with the next trial.
        """
        number = int(trial.trial_id)
        if number >= len(self.trials.trials):
            try:
                self._kept.add(self._trained(number, trial.hyperparameters.values))
            except Exception as error:
                raise keras_tuner.errors.FatalError(str(error)) from error
        done = self.trials.trials[number]
        LOGGER.info(
            "trial %d: %s", number + 1, done.line(), extra={"trial": done, "number": number + 1}
        )
        # A diverged training counts as one that predicts the median age: without a value, the
        # search would try such settings again.
        return {oracle.OBJECTIVE: self._mae_of_the_median if done.val_mae is None else done.val_mae}

    def _trained(self, number: int, values: Mapping[str, Any]) -> Trial:
        keras.utils.clear_session()
        started = time.monotonic()
        chosen = replace(self._current, **values)
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
            stopped_early=stopping.stopped,
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
    current = Hyperparameters.of(fn_args.custom_config)
    search = Search.of(fn_args.custom_config)
    return TunerFnResult(AgeTuner(fn_args, current, search), {"verbose": 0})


def _search_identity(fn_args: FnArgs, current: Hyperparameters, search: Search) -> dict[str, Any]:
    """Return all that decides the trials' results and order, in addition to their settings."""
    weights = {"weights": search.weights_fingerprint}  # in place of a path
    return {
        **asdict(current),
        **weights,
        "ranges": {name: list(bounds) for name, bounds in search.ranges.items()},
        "training_code": search.training_code,
        "data": examples_digest([*fn_args.train_files, *fn_args.eval_files]),
    }
