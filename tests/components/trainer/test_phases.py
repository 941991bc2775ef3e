"""The course of a training, on a network of one layer."""

import contextlib
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer import devices, phases
from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint
from customer_age.components.trainer.layers.age_distribution import YEARS
from customer_age.components.trainer.progress import LOGGER
from customer_age.components.trainer.training_errors import (
    Diverged,
    EndDiverged,
    out_of_memory_explained,
)
from customer_age.errors import RunError

STEPS, EPOCHS, RATE = 10, 3, 0.5


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input([1]), keras.layers.Dense(len(YEARS))])


@pytest.fixture
def batches():
    x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, 60 * x)).batch(2)
    return phases.Batches(lambda phase, done: data.repeat(), data, STEPS)


def train(model, batches, folder):
    return phases.train_whole(model, batches, EPOCHS, RATE, 0.01, EPOCHS, str(folder), Checkpoint())


def test_the_rate_warms_up_and_goes_down_along_a_cosine(model, batches, tmp_path):
    rates = []
    with at_each_step(lambda moment: rates.append(float(model.optimizer.learning_rate))):
        train(model, batches, tmp_path)
    assert len(rates) == EPOCHS * STEPS, "over all epochs"
    assert rates[0] == pytest.approx(RATE / 10)
    assert rates[3] == pytest.approx(RATE) == max(rates)
    assert rates[16] == pytest.approx(RATE * 0.5, rel=0.1), "half way down"
    assert rates[-1] == pytest.approx(RATE * phases.LAST_RATE_SHARE, rel=0.5)
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_a_step_is_traced_once(model, batches, tmp_path, monkeypatch):
    traced = []
    step = keras.Model.train_step

    def train_step(self, *arguments):
        traced.append(self)
        return step(self, *arguments)

    monkeypatch.setattr(keras.Model, "train_step", train_step)
    train(model, batches, tmp_path)
    assert len(traced) == 1, "for a ResNet50 each tracing takes many seconds"


def test_the_compiled_model_also_trains_without_the_phase(model, batches):
    phases.compile_whole(model, weight_decay=0.5)
    assert model.optimizer.weight_decay == 0.5
    assert set(model.fit(batches.valid, verbose=0).history) == {"loss", "mae"}


def test_only_kernels_decay_and_by_the_weight_decay_of_the_settings(batches, tmp_path):
    trained = []
    for decay in (0.0, 0.5):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [
                keras.Input([1]),
                keras.layers.BatchNormalization(name="norm"),
                keras.layers.Dense(len(YEARS), name="logits"),
            ]
        )
        # The bias already gives the right answer, so that only decay changes large values.
        logits = np.where(YEARS == 0, 0.0, -90.0)
        model.get_layer("logits").set_weights([np.zeros((1, len(YEARS))), logits])
        model.get_layer("logits").kernel.assign(np.full((1, len(YEARS)), 9.0))
        phases.train_whole(model, batches, 1, 1e-3, decay, 1, str(tmp_path), Checkpoint())
        trained.append({w.path.partition("/")[2]: w.numpy() for w in model.trainable_weights})
        assert model.optimizer.weight_decay == decay
    without, with_decay = trained
    for path, values in without.items():
        decayed = np.abs(values).sum() - np.abs(with_decay[path]).sum()
        if path.endswith("kernel"):
            assert decayed > 0.002 * np.abs(values).sum()
        else:
            np.testing.assert_allclose(values, with_decay[path], rtol=1e-4, atol=1e-4)


@contextlib.contextmanager
def at_each_step(act):
    """Call `act` with each step's `Progress`."""

    class AtEachStep(logging.Handler):
        def emit(self, record):
            if record.levelno == logging.DEBUG:
                act(record.training)

    handler, level = AtEachStep(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def test_the_schedule_counts_only_applied_steps(tmp_path):
    """Steps whose gradients overflow are not applied, such as the first few of this network."""
    keras.utils.set_random_seed(1)
    with devices.precision("mixed_float16"):
        model = keras.Sequential(
            [keras.Input([1]), keras.layers.Rescaling(40.0), keras.layers.Dense(len(YEARS))]
        )
    x = np.ones((20, 1), dtype=np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, 3 * x)).batch(2)
    batches = phases.Batches(lambda phase, done: data.repeat(), data, STEPS)
    seen = []

    def note(moment):
        optimizer = model.optimizer
        seen.append((int(optimizer.iterations), float(optimizer.learning_rate)))

    with at_each_step(note):
        train(model, batches, tmp_path)
    applied = [0, *(number for number, _ in seen)]
    assert applied[2] == 0, "no gradient overflowed, so the test shows nothing"
    rates = [rate for _, rate in seen]
    by_applied = dict(zip(applied, rates, strict=False))
    assert rates == [by_applied[number] for number in applied[:-1]], "one rate for each step"
    assert sorted(by_applied) == list(range(applied[-2] + 1))
    assert by_applied[0] == pytest.approx(RATE / 10)
    assert by_applied[3] == pytest.approx(RATE) == max(rates)


def test_a_loss_that_is_not_a_number_ends_the_training_at_that_step(model, tmp_path):
    x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    y = 60 * x
    y[7] = np.nan
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(2)
    batches = phases.Batches(lambda phase, done: data.repeat(), data, STEPS)
    with pytest.raises(RunError) as ended:
        train(model, batches, tmp_path)
    assert str(ended.value) == (
        "training diverged: the loss is nan at step 4 of 10 in epoch 1 of the whole network; lower "
        "trainer.learning_rate (it is 0.5)"
    )


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf])
def test_each_loss_that_is_not_finite_counts_as_diverged(loss):
    ending = EndDiverged("the output layer", 9, ("trainer.head_learning_rate", 0.25))
    ending.on_epoch_begin(1)
    ending.on_train_batch_end(0, {"loss": 1e30})
    with pytest.raises(Diverged) as ended:
        ending.on_train_batch_end(3, {"loss": loss})
    assert str(ended.value) == (
        f"training diverged: the loss is {loss} at step 4 of 9 in epoch 2 of the output layer; "
        "lower trainer.head_learning_rate (it is 0.25)"
    )


def test_too_little_memory_names_the_settings_to_lower(caplog):
    with pytest.raises(RunError) as ended, out_of_memory_explained(64, 224):
        tf.zeros([10**9, 10**6])
    assert str(ended.value) == (
        "out of memory: lower trainer.batch_size (it is 64) or trainer.input_size (it is 224)"
    )
    assert ended.value.__cause__ is None, "with a cause, a container would repeat it"
    assert "OOM when allocating tensor" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "work/logs/x; No space left on device"),
        tf.errors.InvalidArgumentError(None, None, "shapes differ"),
    ],
)
def test_other_errors_are_not_reported_as_out_of_memory(error):
    with pytest.raises(type(error)), out_of_memory_explained(64, 224):
        raise error
