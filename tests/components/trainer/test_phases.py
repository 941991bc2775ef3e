"""The course of a training, on a network of one layer."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from customer_age.components.trainer import phases
from customer_age.components.trainer.checkpoint.checkpoint import Checkpoint
from customer_age.components.trainer.progress import LOGGER

STEPS, EPOCHS, RATE = 10, 3, 0.5


@pytest.fixture
def model():
    return keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])


@pytest.fixture
def batches():
    x = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    data = tf.data.Dataset.from_tensor_slices((x, 3 * x)).batch(2)
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


def test_weights_decay_as_strongly_as_they_are_told_to(batches, tmp_path):
    norms = []
    for decay in (0.0, 0.5):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
        model.set_weights([np.full((1, 1), 90.0), np.zeros(1)])  # far from what fits
        phases.train_whole(model, batches, 1, 1e-3, decay, 1, str(tmp_path), Checkpoint())
        norms.append(float(model.get_weights()[0][0, 0]))
        assert model.optimizer.weight_decay == decay
    without, with_decay = norms
    assert with_decay < without - 0.05
