"""The record of a training, as the report reads it."""

import json

import pytest

from customer_age.components.artifacts import json_file
from customer_age.components.artifacts.training import FILE, Training


def record(**changes):
    history = [
        {"phase": phase, "epoch": epoch, "loss": 5, "mae": 5, "val_mae": 6, "seconds": 1.5}
        for phase, epoch in (("head", 1), ("whole", 1), ("whole", 2))
    ]
    training = {
        "weights": "imagenet",
        "input_size": 160,
        "batch_size": 32,
        "history": history,
        "best_epoch": 1,
        "median_age": 31.0,
        "photos": 400,
        "device": "2 CPU cores",
        "precision": "float32",
        "seconds": 752.4,
    }
    return {**training, **changes}


@pytest.mark.parametrize(("best_epoch", "place"), [(1, 1), (2, 2), (3, None)])
def test_the_best_epoch_is_one_of_the_whole_network(tmp_path, best_epoch, place):
    (tmp_path / "training.json").write_text(json.dumps(record(best_epoch=best_epoch)))
    assert json_file.read(str(tmp_path), FILE, Training).best == place


def test_a_training_that_diverged_is_read(tmp_path):
    (tmp_path / "training.json").write_text(json.dumps(record(median_age=float("nan"))))
    found = json_file.read(str(tmp_path), FILE, Training)
    assert found.median_age != found.median_age
