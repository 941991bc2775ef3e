"""A search for better settings on this machine: its graph, its output, the settings file."""

import logging
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from customer_age.components.artifacts import json_file, tuning
from customer_age.errors import RunError, SettingsError
from customer_age.files import store

from ..graph.cache_keys import RunKey
from ..settings import settings_file
from ..settings.settings import Settings
from . import local
from .run_progress import RunProgress, TrainingEvents
from .work_folder import WorkFolder

if TYPE_CHECKING:
    from tfx.orchestration import pipeline

    from ..graph.create_pipeline import Launch
    from .metadata import RunRecords


@dataclass(frozen=True)
class TuningOutcome:
    """How a search ended.

    Attributes:
        exit_code: an exit code listed in `customer_age.errors`.
        messages: the last lines that the command prints.
        error: the error that stopped it, if any.
    """

    exit_code: int
    messages: tuple[str, ...]
    error: RunError | None = None

    def lines(self) -> tuple[str, ...]:
        """Return how it ended, and the path of the settings file or the log."""
        return self.messages


def tune(settings: Settings, output: Path | None) -> TuningOutcome:
    """Try settings of the trainer on this machine, and write the best as a settings file.

    Args:
        settings: the first trial's settings, with the ranges of the search.
        output: the settings file; None for `tuned.yaml` in the work folder.

    Raises:
        SettingsError: nothing was started.
        RunError: another run is using the work folder.
    """
    settings.tuner.require_range()
    if output is not None:
        _require_writable(output)
    with local.checked(settings, publishes=False) as (folder, key):
        return TuningRun(settings, folder, key, output).run()


class TuningRun(local.GraphRun[TuningOutcome]):
    """One search in a locked work folder."""

    def __init__(self, settings: Settings, folder: WorkFolder, key: RunKey, output: Path | None):
        super().__init__(settings, folder, key)
        self._output = output or folder.path / "tuned.yaml"

    def _launch(self) -> "Launch":
        from ..graph.create_pipeline import Launch

        if self._settings.trainer.weights != "champion":
            return Launch(self._key)
        from customer_age.model_registry import baseline_for, open_registry

        registry = open_registry(self._settings.registry_uri, self._settings.registry.model_name)
        return Launch(self._key, baseline_version=baseline_for(registry, self._key.digest()))

    def _pipeline(self, launch: "Launch") -> "pipeline.Pipeline":
        from ..graph.create_tune_pipeline import create_tune_pipeline

        return create_tune_pipeline(self._settings, launch)

    def _listeners(self, progress: RunProgress) -> Mapping[str, logging.Handler]:
        shown = SearchEvents(progress)
        return {local.TRAINING: shown, "customer_age.tuning": shown}

    def _end(
        self,
        records: "RunRecords",
        before: int,
        launch: "Launch | None",
        error: RunError | None,
    ) -> TuningOutcome:
        if error is not None:
            return TuningOutcome(error.exit_code, (str(error), f"log: {self._log}"), error)
        node = records.node("Tuner", since=before)
        assert node is not None, "the graph succeeded"
        trials = json_file.read(node.outputs["tuner_results"].uri, tuning.FILE, tuning.Trials)
        sentence = _sentence(trials)
        text = settings_file.text_of(
            with_best(self._settings, trials), f"Written by customer-age tune. {sentence}"
        )
        try:
            store.write_whole(str(self._output), text.encode())
        except OSError as caught:
            failed = RunError(f"{self._output}: cannot be written: {caught.strerror or caught}")
            return TuningOutcome(failed.exit_code, (str(failed), sentence), failed)
        cached = _trial_lines(trials) if node.cached else ()  # new ones were shown when they ended
        file = shlex.quote(str(self._output))
        use = f"settings file: {file}; to use it: customer-age run --config {file}"
        return TuningOutcome(0, (*cached, sentence, use))


class SearchEvents(TrainingEvents):
    """A handler that prints a line for each trial and moves the bar; epochs are only logged."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        trial: tuning.Trial | None = getattr(record, "trial", None)
        if trial is not None:
            self._progress.note(record.getMessage())
        elif getattr(record, "training", None) and record.levelno == logging.DEBUG:
            super().emit(record)


def with_best(settings: Settings, trials: tuning.Trials) -> Settings:
    """Return the settings with the values of the best trial."""
    best = trials.best
    assert best is not None, "the Tuner refuses a search without a best trial"
    trainer = settings.trainer.model_copy(update=best.settings)
    return settings.model_copy(update={"trainer": trainer})


def _trial_lines(trials: tuning.Trials) -> Iterator[str]:
    for number, trial in enumerate(trials.trials, start=1):
        yield f"trial {number}: {trial.line()}"


def _sentence(trials: tuning.Trials) -> str:
    best, initial = trials.best, trials.trials[0].val_mae
    assert best is not None
    count = f"{len(trials.trials)} {'trial' if len(trials.trials) == 1 else 'trials'}"
    before = "diverged" if initial is None else f"{initial:.2f}"
    compared = "the initial settings" if best is trials.trials[0] else f"initial settings: {before}"
    return f"Best of {count} in {trials.seconds / 60:.0f} min: {best.line()} ({compared})."


def _require_writable(output: Path) -> None:
    folder = output.parent
    if output.is_dir() or not folder.is_dir():
        wrong = "is a folder" if output.is_dir() else f"there is no folder {folder}"
        raise SettingsError(f"--output {output}: {wrong}; choose a file in an existing folder")
    if not os.access(output if output.exists() else folder, os.W_OK):
        raise SettingsError(f"--output {output}: is not writable; choose another file")
