"""The output of a search, and the settings file; the graph is not run here."""

import logging
from types import SimpleNamespace

import pytest

from customer_age.components.artifacts import json_file, tuning
from customer_age.errors import DataRefused
from customer_age.pipeline.graph.cache_keys import RunKey
from customer_age.pipeline.running import node_summaries
from customer_age.pipeline.running.metadata import ArtifactRecord, NodeRecord
from customer_age.pipeline.running.tuning import SearchEvents, TuningRun
from customer_age.pipeline.running.work_folder import WorkFolder
from customer_age.pipeline.settings import loading

LINE = "learning_rate 0.0004, dropout 0.1: valid MAE 5.25 years"
SENTENCE = f"Best of 4 trials in 40 min: {LINE} (initial settings: 5.50)."


def trial(rate, dropout, *curve, stopped_early=False):
    settings = {"learning_rate": rate, "dropout": dropout}
    return tuning.Trial(
        settings=settings, curve=list(curve), epochs=6, stopped_early=stopped_early, seconds=600
    )


TRIALS = tuning.Trials(
    trials=[
        trial(5e-4, 0.2, 6.0, 5.5, 5.75),
        trial(4e-4, 0.1, 6.0, 5.25),
        trial(1e-1, 0.1, None),
        trial(1e-5, 0.1, 20.0, 19.5, stopped_early=True),
    ]
)
LINES = (
    "trial 1: learning_rate 0.0005, dropout 0.2: valid MAE 5.50 years",
    f"trial 2: {LINE}",
    "trial 3: learning_rate 0.1, dropout 0.1: diverged",
    "trial 4: learning_rate 1e-05, dropout 0.1: valid MAE 19.50 years, stopped after epoch 2 of 6",
)


@pytest.fixture
def ended(tmp_path):
    """End a search in a work folder, and return its outcome and that folder."""
    work = tmp_path / "a work folder"
    settings = loading.load("appa_real", work_dir=str(work), data__path="photos")
    WorkFolder(str(work)).prepare()
    json_file.write(str(tmp_path), tuning.FILE, TRIALS.model_dump())

    def end(output=None, cached=False, error=None):
        outputs = {"tuner_results": ArtifactRecord(str(tmp_path))}
        node = NodeRecord(1, cached, True, outputs)
        records = SimpleNamespace(node=lambda node_id, since: node)
        search = TuningRun(settings, WorkFolder(str(work)), RunKey(), output)
        return search._end(records, 0, None, error), settings, work

    return end


def test_the_best_trial_is_a_settings_file_for_a_run(ended):
    outcome, settings, work = ended()
    file = work / "tuned.yaml"
    use = f"settings file: '{file}'; to use it: customer-age run --config '{file}'"
    assert outcome.lines() == (SENTENCE, use)
    assert outcome.exit_code == 0
    best = {"learning_rate": 4e-4, "dropout": 0.1}
    trainer = settings.trainer.model_copy(update=best)
    assert loading.load(str(file)) == settings.model_copy(update={"trainer": trainer})
    assert SENTENCE in file.read_text()


def test_a_cached_search_shows_its_trials(ended):
    assert ended(cached=True)[0].lines()[:-1] == (*LINES, SENTENCE)


def test_a_file_that_cannot_be_written_does_not_hide_the_result(ended, tmp_path):
    (tmp_path / "full").mkdir()
    outcome, *_ = ended(output=tmp_path / "full")
    assert outcome.exit_code == 1
    assert outcome.lines()[1] == SENTENCE
    assert outcome.lines()[0].startswith(f"{tmp_path / 'full'}: cannot be written: ")


def test_the_error_of_a_search_is_shown_with_its_log(ended):
    error = DataRefused("train: too few photos")
    outcome, _, work = ended(error=error)
    assert (outcome.exit_code, outcome.error) == (4, error)
    assert outcome.lines()[0] == "train: too few photos"
    assert outcome.lines()[1].startswith(f"log: {work}/logs/")


def test_each_trial_has_a_line_but_epochs_have_none():
    shown = []
    progress = SimpleNamespace(
        note=shown.append, advanced=lambda done, of, note: shown.append((done, of))
    )
    handler = SearchEvents(progress)

    def record(level, message, **extra):
        made = logging.LogRecord("tuner", level, __file__, 1, message, (), None)
        made.__dict__.update(extra)
        return made

    moment = SimpleNamespace(
        phase="whole", epoch=2, epochs=6, step=3, steps=10, mae=5.0, val_mae=None
    )
    handler.emit(record(logging.DEBUG, "a step", training=moment))
    at_end = SimpleNamespace(**{**vars(moment), "val_mae": 5.0})
    handler.emit(record(logging.INFO, "an epoch", training=at_end))
    handler.emit(record(logging.INFO, LINES[0], trial=TRIALS.trials[0], number=1))
    assert shown == [(13, 60), LINES[0]]


def test_the_component_has_a_summary(ended, tmp_path):
    outputs = {"tuner_results": ArtifactRecord(str(tmp_path))}
    assert node_summaries.summary("Tuner", outputs) == f"4 trials; best: {LINE}"


def test_a_diverged_search_has_no_best():
    assert tuning.Trials(trials=[trial(1.0, 0.0, None, None)]).best is None
