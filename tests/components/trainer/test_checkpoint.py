"""A training that ends in an epoch goes on with that epoch, on a network of two layers."""

import itertools
import json
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer import devices, phases
from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint
from customer_age.components.trainer.model import BACKBONE
from customer_age.components.trainer.progress import LOGGER

STEPS, HEAD_EPOCHS, EPOCHS, RATE = 5, 2, 4, 0.05


class Ended(BaseException):
    """Stands for the end of the process."""


class Training:
    """One training, begun as often as a process would begin it."""

    def __init__(self, folder, precision="float32", patience=EPOCHS, rate=RATE, epochs=EPOCHS):
        self._folder = folder
        self._precision = precision
        self._patience = patience
        self._rate = rate
        self._epochs = epochs
        self.steps = []
        """Phase, epoch and step of all that was trained, over all processes."""

    def begin(self, kept=True, end_at=None, training="mine"):
        """Train until a phase, an epoch and a step; gives weights and history."""
        keras.utils.set_random_seed(7)
        checkpoint = Checkpoint(self._folder / "kept" if kept else None, training)
        data = _data()

        def train(phase, done):
            once = tf.data.Dataset.range(1)
            shuffled = once.flat_map(lambda _: data.shuffle(40, seed=len(phase)).repeat())
            return shuffled.skip(done * STEPS * 8).batch(8)

        batches = phases.Batches(train, data.batch(20), STEPS)
        logs = checkpoint.log_folder(str(self._folder / "logs"))
        with devices.precision(self._precision), AtEachStep(self.steps, end_at):
            model = _network()
            head = phases.train_head(model, batches, HEAD_EPOCHS, self._rate, logs, checkpoint)
            whole = phases.train_whole(
                model, batches, self._epochs, self._rate, 0.01, self._patience, logs, checkpoint
            )
        history = [{**epoch, "seconds": 0} for epoch in [*head, *whole]]
        return model.get_weights(), history


def _network():
    return keras.Sequential(
        [
            keras.Input([4]),
            keras.layers.Dense(8, activation="relu", name=BACKBONE),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1, dtype="float32"),
        ]
    )


def _data():
    random = np.random.default_rng(1)
    x = random.normal(size=(40, 4)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True) + random.normal(size=(40, 1)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((x, y))


class AtEachStep(logging.Handler):
    def __init__(self, steps, end_at):
        super().__init__(logging.DEBUG)
        self._steps = steps
        self._end_at = end_at

    def __enter__(self):
        self._level = LOGGER.level
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(self)

    def __exit__(self, *_):
        LOGGER.removeHandler(self)
        LOGGER.setLevel(self._level)

    def emit(self, record):
        if record.levelno == logging.DEBUG:
            moment = record.training
            at = (moment.phase, moment.epoch, moment.step)
            self._steps.append(at)
            if at == self._end_at:
                raise Ended


def assert_same(one, other):
    for ours, theirs in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert one[1] == other[1]


@pytest.mark.parametrize(
    ("precision", "ends"),
    [
        ("float32", [("head", 1, 3), ("head", 2, 2)]),
        ("float32", [("whole", 1, 1)]),
        ("float32", [("whole", 2, 3), ("whole", 2, 4), ("whole", 4, 5)]),
        ("mixed_float16", [("whole", 3, 3)]),
    ],
)
def test_the_end_is_the_same_wherever_the_process_ended(tmp_path, ends, precision):
    undisturbed = Training(tmp_path, precision).begin(kept=False)
    training = Training(tmp_path, precision)
    for end in ends:
        with pytest.raises(Ended):
            training.begin(end_at=end)
    assert_same(training.begin(), undisturbed)
    whole_epochs = {
        **{("head", epoch): STEPS for epoch in range(1, HEAD_EPOCHS + 1)},
        **{("whole", epoch): STEPS for epoch in range(1, EPOCHS + 1)},
    }
    lost = {(phase, epoch) for phase, epoch, _ in ends}
    for (phase, epoch), of in itertools.groupby(sorted(training.steps), lambda at: at[:2]):
        if (phase, epoch) not in lost:
            assert len(list(of)) == whole_epochs.pop((phase, epoch)), "no epoch twice"
    assert whole_epochs.keys() == lost


def test_early_stopping_remembers_its_patience_and_the_best_weights(tmp_path):
    undisturbed = Training(tmp_path, patience=2, rate=3.0, epochs=8).begin(kept=False)
    epochs = [epoch["val_mae"] for epoch in undisturbed[1] if epoch["phase"] == "whole"]
    best = epochs.index(min(epochs)) + 1
    assert len(epochs) == best + 2 < 8, "it was stopped two epochs after the best one"
    training = Training(tmp_path, patience=2, rate=3.0, epochs=8)
    with pytest.raises(Ended):
        training.begin(end_at=("whole", best + 2, 2))
    assert_same(training.begin(), undisturbed)


@pytest.mark.parametrize("epochs", [1, 8])
def test_what_was_trained_to_its_end_is_not_trained_again(tmp_path, epochs):
    """With 8 epochs, it was stopped early."""
    training = Training(tmp_path, patience=2, rate=3.0, epochs=epochs)
    first = training.begin()
    steps = len(training.steps)
    assert_same(training.begin(), first)
    assert len(training.steps) == steps


def test_another_training_begins_anew(tmp_path):
    training = Training(tmp_path)
    training.begin()
    steps = len(training.steps)
    training.begin(training="with other settings")
    assert len(training.steps) == 2 * steps


def test_nothing_is_kept_where_no_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", raising=False)
    checkpoint = Checkpoint.in_container("mine")
    assert checkpoint.keepers("whole", 1, None) == []
    assert checkpoint.log_folder("gs://b/run") == "gs://b/run"
    monkeypatch.setenv("CUSTOMER_AGE_CHECKPOINT_FOLDER", str(tmp_path / "kept"))
    assert Checkpoint.in_container("mine").keepers("whole", 1, None)
    assert not (tmp_path / "kept").exists()


def test_who_is_killed_while_an_epoch_is_written_goes_on_after_the_one_before(
    tmp_path, monkeypatch
):
    training = Training(tmp_path)
    undisturbed = training.begin(kept=False)
    write, written = np.savez, []

    def killed(file, **arrays):
        written.append(json.loads(str(arrays["state"])))
        if len(written) == 4:
            file.write(b"half of it")
            raise Ended
        write(file, **arrays)

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(Ended):
        training.begin()
    assert (written[-1]["phase"], written[-1]["epoch"]) == ("whole", 2)
    training.steps.clear()
    assert_same(training.begin(), undisturbed)
    assert training.steps[0] == ("whole", 2, 1)


def test_a_disk_that_is_full_ends_no_training(tmp_path, monkeypatch, caplog):
    training = Training(tmp_path)
    undisturbed = training.begin(kept=False)

    def full(file, **arrays):
        file.write(b"as much as goes")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert_same(training.begin(), undisturbed)
    assert "Epoch 1 of head is not kept for another try: [Errno 28]" in caplog.text
    assert not [file for file in (tmp_path / "kept").iterdir() if file.name != "logs"]
