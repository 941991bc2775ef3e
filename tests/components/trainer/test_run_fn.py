import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.components.trainer.fn_args_utils import FnArgs

from customer_age.components.champion import export_median
from customer_age.components.trainer import devices, images, inputs
from customer_age.components.trainer import run_fn as run_fn_module
from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint
from customer_age.components.trainer.model import (
    CHAMPION,
    as_served,
    build_model,
    copy_weights,
)
from customer_age.components.trainer.run_fn import Hyperparameters, Trained, run_fn
from customer_age.errors import DataRefused, SettingsError

AGES = np.array([40.0])

HYPERPARAMETERS = {
    "weights": "none",
    "input_size": 32,
    "batch_size": 16,
    "head_epochs": 1,
    "epochs": 2,
    "head_learning_rate": 1e-3,
    "learning_rate": 2e-3,
    "weight_decay": 0.0,
    "dropout": 0.0,
    "patience": 3,
    "augmentation": True,
    "mirror": True,
    "photo_cache_mb": 1,
    "seed": 0,
    "photo_spec": {"stored_size": 64, "min_size": 20},
    "code": "only a cache key",
}

# So small that the champion is still recognisable after an epoch.
WARM_RATE = 1e-6

# Loads a SavedModel without access to our packages, and calls both signatures.
CLIENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("customer_age", "tfx", "tensorflow_model_analysis"):
            raise ImportError(name + " must not be needed")

sys.meta_path.insert(0, Absent())
import json, pathlib
import tensorflow as tf

model = tf.saved_model.load(sys.argv[1])
photos = [pathlib.Path(file).read_bytes() for file in sys.argv[2:4]]
example = pathlib.Path(sys.argv[4]).read_bytes()
served = model.signatures["serving_default"](image_bytes=tf.constant(photos))
measured = model.signatures["serving_examples"](examples=tf.constant([example]))
assert sorted(served) == ["age", "reason"] and list(measured) == ["age"], (served, measured)
assert served["reason"].numpy().tolist() == [b""] * len(photos), served
assert served["age"].dtype == tf.float32, served
print(json.dumps([served["age"].numpy().tolist(), measured["age"].numpy().tolist()]))
"""


def _fn_args(folder, patterns, **changed):
    train, valid = patterns
    return FnArgs(
        working_dir=None,
        train_files=train,
        eval_files=valid,
        train_steps=None,
        eval_steps=None,
        schema_path=None,
        schema_file=None,
        transform_graph_path=None,
        data_accessor=None,
        serving_model_dir=str(folder / "model"),
        eval_model_dir=None,
        model_run_dir=str(folder / "model_run"),
        base_model=changed.pop("base_model", None),
        hyperparameters=None,
        custom_config={**HYPERPARAMETERS, **changed},
    )


@pytest.fixture(scope="module")
def trained(bright_is_old, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    records = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = records.append
    logger = logging.getLogger("customer_age.training")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        run_fn(_fn_args(folder, bright_is_old))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return folder, records


@pytest.mark.slow
def test_the_saved_model_answers_with_tensorflow_alone(trained, photo, tmp_path):
    folder, _ = trained
    (tmp_path / "young.jpg").write_bytes(photo.encoded(30))
    (tmp_path / "old.png").write_bytes(photo.encoded(220, size=(70, 50), file_format="PNG"))
    (tmp_path / "young.example").write_bytes(photo.example(photo.encoded(30), 10.0))
    names = ("young.jpg", "old.png", "young.example")
    client = subprocess.run(
        [sys.executable, "-c", CLIENT, folder / "model", *(tmp_path / name for name in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert client.returncode == 0, client.stderr[-2000:]
    (young, old), [measured] = json.loads(client.stdout)
    assert 0 <= young <= 120
    assert 0 <= old <= 120
    assert abs(young - measured) < 0.01, "both signatures are one graph"


@pytest.mark.slow
def test_the_model_prepares_photos_as_its_training_photos_were(trained):
    folder, _ = trained
    serve = tf.saved_model.load(str(folder / "model")).signatures["serving_default"]
    photos = []
    for side in (19, 20):
        file = io.BytesIO()
        Image.new("RGB", (side, 30)).save(file, "PNG")
        photos.append(file.getvalue())
    reasons = serve(image_bytes=tf.constant(photos))["reason"].numpy().tolist()
    assert reasons == [b"too_small", b""], "min_size is 20 there, and 32 by default"


@pytest.mark.slow
def test_the_training_is_recorded(trained):
    folder, _ = trained
    record = json.loads((folder / "model_run" / "training.json").read_text())
    last = ["history", "best_epoch", "served_mae", "removed_bias", "median_age", "photos"]
    last += ["device", "precision", "seconds"]
    assert list(record) == [*Hyperparameters.__dataclass_fields__, *last]
    assert [epoch["epoch"] for epoch in record["history"]] == [1, 2]
    assert {epoch["phase"] for epoch in record["history"]} == {"whole"}, "random: no head phase"
    assert record["best_epoch"] == 1 + int(np.argmin([e["val_mae"] for e in record["history"]]))
    assert record["weights"] == "none"
    assert record["photos"] == 64
    assert "code" not in record
    events = list((folder / "model_run").rglob("events.out.tfevents.*"))
    assert len(events) == 2, "TensorBoard: train and validation"


@pytest.mark.slow
def test_the_served_ages_have_no_bias_on_valid(bright_is_old, tmp_path, monkeypatch):
    """The network answers 69.5 years for each photo; the mean age in `valid` is far below."""
    epoch = {"phase": "whole", "epoch": 1, "loss": 1, "mae": 1, "val_mae": 1, "seconds": 1}
    trained = Trained(
        model=build_model(32, "none", 0.0, np.arange(40.0, 100.0)),
        history=[epoch],
        ages=AGES,
        valid=inputs.measuring_batches(bright_is_old[1], 32, 16, 16),
        device=devices.find_device(),
        checkpoint=Checkpoint(),
    )
    monkeypatch.setattr(run_fn_module, "train", lambda *_: trained)
    (tmp_path / "model_run").mkdir()  # a training makes it, for its logs
    run_fn(_fn_args(tmp_path, bright_is_old))
    record = json.loads((tmp_path / "model_run" / "training.json").read_text())
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_examples"]
    [(records, ages)] = inputs.labelled_records(bright_is_old[1], 16)
    errors = np.asarray(served(examples=records)["age"]) - ages
    left = np.mean(errors)
    assert record["removed_bias"] == pytest.approx(69.5 - np.mean(ages) - left, abs=0.1)
    assert record["removed_bias"] > 20
    assert abs(left) < 2
    assert record["served_mae"] == pytest.approx(np.mean(np.abs(errors)), abs=0.01)


@pytest.mark.slow
def test_each_step_and_each_epoch_is_reported(trained):
    _, records = trained
    moments = [record.training for record in records]
    assert [moment.step for moment in moments if moment.val_mae is None] == [1, 2, 3, 4] * 2
    assert [moment.epoch for moment in moments if moment.val_mae is not None] == [1, 2]
    assert {(moment.epochs, moment.steps) for moment in moments} == {(2, 4)}


@pytest.mark.slow
def test_the_next_training_starts_from_the_champions_weights(trained):
    folder, _ = trained
    model = build_model(32, CHAMPION, 0.0, AGES)
    copy_weights(str(folder / "model"), model)
    published = tf.saved_model.load(str(folder / "model"))
    for ours, theirs in zip(model.weights, published.model_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_it_starts_with_the_champions_answers_for_any_new_ages(trained, bright_is_old):
    folder, _ = trained
    champion = tf.saved_model.load(str(folder / "model"))
    model = build_model(32, CHAMPION, 0.0, AGES)
    copy_weights(str(folder / "model"), model)
    served = as_served(model)
    answers = []
    for file in bright_is_old[1]:
        records = list(tf.data.TFRecordDataset(tf.io.gfile.glob(file)).take(8))
        theirs = champion.signatures["serving_examples"](examples=tf.stack(records))["age"]
        parsed = tf.io.parse_example(
            records, {"image/encoded": tf.io.FixedLenFeature([], "string")}
        )
        photos = tf.stack([images.square(photo, 32) for photo in parsed["image/encoded"]])
        mirrored = tf.image.flip_left_right(photos)
        ours = [served(each, training=False) for each in (photos, mirrored)]
        np.testing.assert_allclose(np.mean(ours, axis=0)[:, 0], theirs, atol=1e-3)
        answers += list(theirs.numpy())
    assert len(answers) >= 8
    assert np.ptp(answers) > 1, "one answer for all photos would show nothing"


@pytest.fixture(scope="module")
def warm(trained, bright_is_old, tmp_path_factory):
    """A training that starts from the champion and hardly changes it."""
    folder = tmp_path_factory.mktemp("warm")
    base_model = str(trained[0] / "model")
    run_fn(
        _fn_args(
            folder,
            bright_is_old,
            weights="champion",
            base_model=base_model,
            epochs=1,
            learning_rate=WARM_RATE,
        )
    )
    return folder


@pytest.mark.slow
def test_a_warm_start_is_one_phase_and_begins_where_the_champion_ended(trained, warm):
    record = json.loads((warm / "model_run" / "training.json").read_text())
    assert [epoch["phase"] for epoch in record["history"]] == ["whole"]
    assert record["weights"] == "champion"
    # The weights, not the error: bfloat16 turns a change of 1e-6 into tenths of a year here.
    before, after = (_served_weights(folder) for folder in (trained[0], warm))
    moved = max(np.abs(one - other).max() for one, other in zip(before, after, strict=True))
    steps = 4
    assert 0 < moved <= steps * WARM_RATE * 1.01, "Adam moves a weight by the rate at most"


def _served_weights(folder):
    model = tf.saved_model.load(str(folder / "model"))
    return [np.asarray(weight, np.float32) for weight in model.model_weights]


@pytest.mark.slow
def test_a_warm_start_keeps_the_statistics_that_the_champion_is_served_with(trained, warm):
    before, after = (_served_weights(folder) for folder in (trained[0], warm))
    names = [weight.path for weight in build_model(32, "none", 0.0, AGES).weights]
    kept = {
        name
        for name, one, other in zip(names, before, after, strict=True)
        if np.array_equal(one, other)
    }
    statistics = {name for name in names if name.endswith(("moving_mean", "moving_variance"))}
    assert statistics <= kept
    assert not [name for name in kept if name.endswith("kernel")], "all other weights are trained"


def _in_a_pod(fn_args, pod, root, *killed_at):
    """Train in a process of its own, with a folder of its own; return its exit code."""
    environment = {**os.environ, "CUSTOMER_AGE_CHECKPOINT_FOLDER": str(pod)}
    program = Path(__file__).parent / "one_training.py"
    arguments = json.dumps(vars(fn_args))
    command = [sys.executable, program, arguments, root, *map(str, killed_at)]
    return subprocess.run(command, env=environment, check=False).returncode


@pytest.mark.slow
@pytest.mark.one_line
def test_a_pod_that_is_lost_in_the_second_epoch_costs_only_that_epoch(
    trained, bright_is_old, tmp_path
):
    root = tmp_path / "root"
    for pod, killed_at, exit_code in (("first", (2, 3), -9), ("second", (), 0)):
        fn_args = _fn_args(tmp_path / pod, bright_is_old)
        assert _in_a_pod(fn_args, tmp_path / f"kept-{pod}", root, *killed_at) == exit_code
        assert root.exists() == (pod == "first"), "a finished training leaves nothing"
    assert not (tmp_path / "first" / "model").exists()

    records, variables = [], []
    for folder in (trained[0], tmp_path / "second"):
        records.append(json.loads((folder / "model_run" / "training.json").read_text()))
        variables.append(tf.saved_model.load(str(folder / "model")).model_weights)
    one, other = ([{**epoch, "seconds": 0} for epoch in each["history"]] for each in records)
    assert [epoch["epoch"] for epoch in other] == [1, 2]
    assert one == other
    assert records[0]["best_epoch"] == records[1]["best_epoch"]
    for ours, theirs in zip(*variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    events = (tmp_path / "second" / "model_run").rglob("events.out.tfevents.*")
    logged = {
        (file.parent.name, event.step)
        for file in events
        for event in tf.compat.v1.train.summary_iterator(str(file))
        if event.summary.value and event.summary.value[0].tag == "epoch_mae"
    }
    assert logged == {(of, epoch) for of in ("train", "validation") for epoch in (0, 1)}


def test_without_a_champion_there_is_nothing_to_start_from(tmp_path):
    export_median(31.0, str(tmp_path / "median"))
    model = build_model(32, CHAMPION, 0.0, AGES)
    with pytest.raises(SettingsError, match=r"^trainer.weights: champion, but there is no champ"):
        copy_weights(str(tmp_path / "median"), model)


def test_an_empty_valid_split_is_reported_before_training(bright_is_old, tmp_path):
    train, _ = bright_is_old
    with pytest.raises(DataRefused, match="no examples in"):
        run_fn(_fn_args(tmp_path, (train, [str(tmp_path / "none*")])))
    assert not Path(tmp_path / "model").exists()
