"""TFX's executor on real examples, with a real training of one epoch."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.channel_utils import as_channel

from customer_age.components.artifacts import json_file, tuning
from customer_age.components.trainer import run_fn
from customer_age.components.tuner.component import Executor, Tuner
from customer_age.errors import RunError
from customer_age.pipeline.settings import loading

CURRENT = {
    **{"weights": "none", "input_size": 32, "batch_size": 8, "head_epochs": 0, "epochs": 1},
    **{"head_learning_rate": 1e-3, "learning_rate": 1e-3, "weight_decay": 1e-4, "dropout": 0.2},
    **{"patience": 3, "augmentation": False, "mirror": False, "photo_cache_mb": 0, "seed": 0},
}
SEARCH = {
    **{"ranges": {"learning_rate": [1e-4, 1e-2], "dropout": [0.0, 0.5]}, "minutes": 1},
    **{"max_trials": 1, "weights_fingerprint": "none", "training_code": "c0de"},
}


@pytest.fixture
def execute(examples, tmp_path):
    """Runs the component and returns the folders of its outputs."""

    def executed():
        artifact = standard_artifacts.Examples()
        artifact.uri = str(examples)
        artifact.split_names = artifact_utils.encode_split_names(["train", "valid"])
        tuner = Tuner(
            examples=as_channel([artifact]),
            schema=as_channel([standard_artifacts.Schema()]),
            base_model=None,
            hyperparameters=CURRENT,
            search={**SEARCH, "trials_folder": str(tmp_path / "kept")},
            code="",
        )
        outputs = {}
        for key, channel in tuner.outputs.items():
            outputs[key] = [channel.type()]
            outputs[key][0].uri = str(tmp_path / key)
        context = base_executor.BaseExecutor.Context(tmp_dir=str(tmp_path / "tmp"), unique_id="1")
        Executor(context).Do({"examples": [artifact]}, outputs, json_properties(tuner))
        return SimpleNamespace(**{key: one.uri for key, [one] in outputs.items()})

    return executed


def json_properties(tuner):
    """Return the properties as an orchestrator passes them."""
    from google.protobuf import json_format

    return {
        name: value if isinstance(value, str) else json_format.MessageToJson(value)
        for name, value in tuner.exec_properties.items()
        if value is not None
    }


def test_a_search_ends_with_a_settings_file_and_its_trials(execute, monkeypatch):
    outputs = execute()
    trials = json_file.read(outputs.tuner_results, tuning.FILE, tuning.Trials)
    [trial] = trials.trials
    current = {"learning_rate": 1e-3, "dropout": 0.2}
    assert trial.settings == current
    assert 0 < trial.val_mae < 80
    assert (trial.epochs, len(trial.curve), trial.stopped_early) == (1, 1, False)
    settings = loading.load(f"{outputs.best_hyperparameters}/{tuning.SETTINGS_FILE}")
    assert (settings.trainer.learning_rate, settings.trainer.dropout) == (1e-3, 0.2)
    tfx = Path(outputs.best_hyperparameters) / "best_hyperparameters.txt"
    assert json.loads(tfx.read_text())["values"] == current
    monkeypatch.setattr(run_fn, "train", None)
    again = json_file.read(execute().tuner_results, tuning.FILE, tuning.Trials)
    assert again == trials, "nothing was trained again"


def test_a_search_in_which_each_training_diverges_reports_what_to_do(execute, monkeypatch):
    history = [{"phase": "whole", "val_mae": float("nan")}]
    # TFX loads the module of `tuner_fn` again.
    monkeypatch.setattr(run_fn, "train", lambda *_: SimpleNamespace(history=history))
    with pytest.raises(RunError, match=r"diverged.*lower tuner\.learning_rate"):
        execute()
