"""Compares our batch normalisation with that of Keras, on the same photos."""

import keras
import numpy as np
import pytest

from customer_age.components.trainer import devices
from customer_age.components.trainer.layers.batch_normalization import FusedBatchNormalization

PHOTOS = np.random.default_rng(3).normal(2.0, 3.0, (8, 6, 5, 4)).astype(np.float32)
VALUES = PHOTOS[:1].size // 4 * 8
"""Number of values of each channel."""


def layer_of(kind, policy="float32", **config):
    layer = kind(momentum=0.9, epsilon=1.001e-5, dtype=policy, **config)
    layer.build(PHOTOS.shape)
    random = np.random.default_rng(4)
    layer.set_weights([random.uniform(0.5, 1.5, 4).astype(np.float32) for _ in layer.weights])
    return layer


def both(policy="float32"):
    return layer_of(FusedBatchNormalization, policy), layer_of(
        keras.layers.BatchNormalization, policy
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("training", [True, False])
def test_it_normalises_as_keras_does(policy, training):
    ours, kerass = both(policy)
    photos = keras.ops.cast(PHOTOS, ours.compute_dtype)
    answers = [keras.ops.convert_to_numpy(keras.ops.cast(one(photos, training=training), "float32"))
               for one in (ours, kerass)]  # fmt: skip
    np.testing.assert_allclose(*answers, atol=1e-5 if policy == "float32" else 0.05)
    assert ours(photos, training=training).dtype == photos.dtype


def test_statistics_are_updated_with_the_unbiased_variance():
    ours, kerass = both()
    before = ours.moving_variance.numpy()
    for layer in (ours, kerass):
        layer(PHOTOS, training=True)
    np.testing.assert_allclose(ours.moving_mean, kerass.moving_mean, rtol=1e-5)
    moved = kerass.moving_variance.numpy() - 0.9 * before
    np.testing.assert_allclose(
        ours.moving_variance, 0.9 * before + moved * VALUES / (VALUES - 1), rtol=1e-5
    )


def test_a_frozen_layer_keeps_its_statistics():
    ours, kerass = both()
    before = ours.moving_mean.numpy()
    answers = []
    for layer in (ours, kerass):
        layer.trainable = False
        answers.append(keras.ops.convert_to_numpy(layer(PHOTOS, training=True)))
    np.testing.assert_allclose(*answers, atol=1e-5)
    np.testing.assert_array_equal(ours.moving_mean, before)


@pytest.mark.parametrize("frozen", [True, False])
def test_its_gradients_are_those_of_keras(frozen):
    import tensorflow as tf

    gradients = []
    for layer in both():
        layer.trainable = not frozen
        photos = tf.Variable(PHOTOS)
        scale, offset = layer.gamma.value, layer.beta.value
        with tf.GradientTape() as tape:
            tape.watch(scale)
            answer = tf.reduce_sum(layer(photos, training=True) ** 3)
        gradients.append(tape.gradient(answer, [photos, scale, offset]))
    for ours, kerass in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, kerass, rtol=1e-3, atol=1e-2)


def test_parameters_are_never_rounded():
    """In half precision, Keras's layer rounds its scale: 1.01 becomes 1.0078125 in bfloat16."""
    ours = layer_of(FusedBatchNormalization, "mixed_bfloat16")
    ours.set_weights([np.full(4, one, np.float32) for one in (1.01, 0.0, 0.0, 1.0)])
    with devices.precision("mixed_bfloat16"):
        before = keras.layers.Activation("linear")
        model = keras.Sequential([keras.Input(PHOTOS.shape[1:], dtype="float32"), before, ours])
    photos = np.full_like(PHOTOS, 64.0)
    half = model(photos, training=False)
    assert half.dtype == "bfloat16"
    np.testing.assert_allclose(keras.ops.cast(half, "float32"), 64.5, atol=1e-3)
    np.testing.assert_allclose(ours(photos, training=False), 64.64, atol=1e-3)
