"""The course of a training, on a network of one layer."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer import phases
from customer_age.components.trainer.age_distribution import YEARS
from customer_age.components.trainer.checkpoint import Checkpoint
from customer_age.components.trainer.progress import LOGGER

STEPS, EPOCHS, RATE = 10, 3, 0.5


@pytest.fixture
def model():
    return keras.Sequential([keras.Input([1]), keras.layers.Dense(len(YEARS))])


@pytest.fixture
def batches():
    x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, 60 * x)).batch(2)
    return phases.Batches(lambda phase, done: data.repeat(), data, STEPS)


def train(model, batches, folder):
    return phases.train_whole(model, batches, EPOCHS, RATE, 0.01, EPOCHS, str(folder), Checkpoint())


def test_the_rate_warms_up_and_goes_down_along_a_cosine(model, batches, tmp_path, caplog):
    rates = []

    class AtEachStep(logging.Handler):
        def emit(self, record):
            if record.levelno == logging.DEBUG:
                rates.append(float(model.optimizer.learning_rate))

    handler = AtEachStep()
    LOGGER.addHandler(handler)
    caplog.set_level(logging.DEBUG, LOGGER.name)
    try:
        train(model, batches, tmp_path)
    finally:
        LOGGER.removeHandler(handler)
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


def test_kernels_decay_as_strongly_as_the_setting_says_and_nothing_else_does(batches, tmp_path):
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
        # A bias by which it answers right, so that nothing but decay moves what is large.
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
