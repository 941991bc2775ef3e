"""Reads the orientation from EXIF, in a TensorFlow graph (CIPA DC-008, 4.6)."""

import tensorflow as tf

from .file_bytes import FileBytes, where

_ORIENTATION_TAG = 0x0112
_MAX_TAGS = 512


def orientation(content: FileBytes, tiff: tf.Tensor) -> tf.Tensor:
    """Return the orientation from the first directory of EXIF's TIFF, which begins at `tiff`.

    It is 0 if it is not stated or `tiff` is 0, and 1 if it is not valid.
    """
    little = content.at(tiff) == ord("I")
    directory = tiff + content.number(tiff + 4, 4, little)
    count = tf.minimum(content.number(directory, 2, little), _MAX_TAGS)
    entries = directory + 2 + 12 * tf.range(count)
    tags = content.number(entries, 2, little)
    values = tf.boolean_mask(content.number(entries + 8, 2, little), tags == _ORIENTATION_TAG)
    value = tf.reduce_max(tf.concat([values, [0]], 0))
    is_stated = (tiff > 0) & (tf.size(values) > 0)
    return where(is_stated, where((value >= 1) & (value <= 8), value, 1), 0)
