"""Turns a decoded photo upright, and converts its pixels to those that ingestion stores."""

import tensorflow as tf

_USUAL_DEPTHS = (255, 4095, 65535)
"""The largest value of greys with 8, 12 and 16 bits."""


def on_white(photo: tf.Tensor) -> tf.Tensor:
    """Put the transparent parts of a photo on white, with Pillow's rounding.

    Args:
        photo: uint8 [height, width, 4].

    Returns:
        uint8 [height, width, 3].
    """
    colours, alpha = photo[..., :3], photo[..., 3:]
    darkness = tf.cast(255 - colours, tf.float32) * tf.cast(alpha, tf.float32) / 255
    return 255 - tf.cast(tf.round(darkness), tf.uint8)


def of_deep_grey(photo: tf.Tensor) -> tf.Tensor:
    """Scale greys to 8 bits, from the smallest usual depth that holds all values.

    Args:
        photo: uint16 [height, width, 1].

    Returns:
        uint8 [height, width, 3].
    """
    largest = tf.cast(tf.reduce_max(photo), tf.int32)
    depths = tf.constant(_USUAL_DEPTHS)
    depth = tf.gather(depths, tf.reduce_sum(tf.cast(depths < largest, tf.int32)))
    scaled = tf.cast(photo, tf.float32) * tf.cast(255 / depth, tf.float32)
    return tf.repeat(tf.cast(tf.floor(scaled + 0.5), tf.uint8), 3, axis=-1)


def turned(photo: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn a photo, [height, width, 3], upright by its EXIF orientation (CIPA DC-008)."""

    def flipped(axes: list[int], transposed: bool) -> tf.Tensor:
        turned_ = tf.transpose(photo, [1, 0, 2]) if transposed else photo
        return tf.reverse(turned_, axes) if axes else turned_

    turns = [([], False), ([1], False), ([0, 1], False), ([0], False)]
    turns += [([], True), ([1], True), ([0, 1], True), ([0], True)]
    return tf.switch_case(
        tf.cast(orientation, tf.int32) - 1,
        [lambda turn=turn: flipped(*turn) for turn in turns],
    )


def in_srgb(photo: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Convert values that were encoded with a power (PNG's gAMA) to those of sRGB.

    PNG, third edition, 11.3.2.2; IEC 61966-2-1. As in `photos.color`, a gamma close to sRGB's and
    one that cannot be meant are ignored.

    Args:
        photo: uint8 [height, width, 3].
        gamma: scalar int64, in hundred thousandths; 0 if it is not stated.
    """
    power = tf.cast(gamma, tf.float64) / 100_000
    is_other = (power >= 0.1) & (power <= 10) & (tf.abs(2.2 * power - 1) >= 0.05)
    light = tf.linspace(tf.zeros([], tf.float64), 1, 256) ** (1 / tf.maximum(power, 0.1))
    values = srgb_of(light)
    return tf.cond(is_other, lambda: tf.gather(values, tf.cast(photo, tf.int32)), lambda: photo)


def srgb_of(light: tf.Tensor) -> tf.Tensor:
    """Return the value in sRGB, uint8, of light, float64 from 0 to 1 (IEC 61966-2-1)."""
    value = tf.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return tf.cast(tf.round(255 * value), tf.uint8)
