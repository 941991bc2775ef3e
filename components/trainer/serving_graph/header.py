"""The header of a photo's file, as the served graph needs it."""

from typing import NamedTuple

import tensorflow as tf

JPEG, PNG, GIF, BMP, OTHER = range(5)
"""Formats; TensorFlow decodes all but the last."""


class Header(NamedTuple):
    """Scalars, int64; an orientation that is not stated is 1, everything else 0.

    Attributes:
        format: one of the formats.
        width: pixels, as stored.
        height: pixels, as stored.
        orientation: EXIF's, 1 to 8, of a JPEG or a PNG.
        has_alpha: 1 if TensorFlow decodes an alpha channel in a PNG or a BMP.
        is_deep_grey: 1 if it is a PNG with one channel of 16 bits.
        gamma: of a PNG, in hundred thousandths.
        profile: offset of the ICC profile of a colour picture, in a PNG as it was compressed.
        profile_size: bytes of it, in the file.
    """

    format: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    orientation: tf.Tensor
    has_alpha: tf.Tensor
    is_deep_grey: tf.Tensor
    gamma: tf.Tensor
    profile: tf.Tensor
    profile_size: tf.Tensor


def header(
    file_format: int,
    width: tf.Tensor | int,
    height: tf.Tensor | int,
    orientation: tf.Tensor | int = 1,
    has_alpha: tf.Tensor | bool = False,
    is_deep_grey: tf.Tensor | bool = False,
    gamma: tf.Tensor | int = 0,
    profile: tf.Tensor | int = 0,
    profile_size: tf.Tensor | int = 0,
) -> Header:
    """Return a header with the usual values of all that a format cannot state."""
    values = (
        file_format,
        width,
        height,
        orientation,
        has_alpha,
        is_deep_grey,
        gamma,
        profile,
        profile_size,
    )
    return Header(*(tf.cast(value, tf.int64) for value in values))
