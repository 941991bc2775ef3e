"""Converts the colours of an ICC profile to sRGB, in a TensorFlow graph (ICC.1:2022).

Cameras, phones and screens have profiles of a matrix and three curves, for example Display P3 and
Adobe RGB; these are applied as ingestion does with LittleCMS, which computes such profiles in
integers with 14 bits. Profiles with tables of colours, as of printers, are ignored. LittleCMS also
compensates for a black that has light; the black of these profiles has none.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from . import attempt, pixels
from .file_bytes import FileBytes, where
from .header import PNG, Header

_RGB, _XYZ, _CURVE, _PARAMETERS = (
    int.from_bytes(name, "big") for name in (b"RGB ", b"XYZ ", b"curv", b"para")
)
_COLOUR_TAGS = [int.from_bytes(name, "big") for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
_CURVE_TAGS = [int.from_bytes(name, "big") for name in (b"rTRC", b"gTRC", b"bTRC")]
_DESCRIPTION, _TABLE = (int.from_bytes(name, "big") for name in (b"desc", b"A2B0"))
_MAX_TAGS = 100
_MAX_DESCRIPTION = 4096
_OWN_NAMES = ("sRGB", "\0s\0R\0G\0B")
"""In the description of a profile that needs no conversion, in ASCII and in UTF-16."""

_ONE = 2**14
"""1.0 in LittleCMS's integers."""

_D50, _D65 = np.array([0.9642, 1.0, 0.8249]), np.array([0.3127, 0.3290, 0.3583]) / 0.3290
"""X, Y and Z of the white of profiles and of that of sRGB."""
_PRIMARIES = np.array([[0.64, 0.33, 0.03], [0.30, 0.60, 0.10], [0.15, 0.06, 0.79]]).T
"""x, y and z of red, green and blue of sRGB, in columns (IEC 61966-2-1)."""
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""From X, Y and Z to the responses of cones in Bradford's adaptation (ICC.1:2022, annex E)."""


class Profile(NamedTuple):
    """A profile as integers, 1.0 is 16,384.

    Attributes:
        is_usable: bool; otherwise the others have no meaning.
        curves: int32 [3, 256], light of each value of red, green and blue.
        matrix: int32 [3, 3], from light of the profile to light of sRGB.
    """

    is_usable: tf.Tensor
    curves: tf.Tensor
    matrix: tf.Tensor


def content(encoded: tf.Tensor, header: Header) -> tf.Tensor:
    """Return the profile of a file, scalar string; empty if it has none or it is damaged."""
    stored = tf.strings.substr(
        encoded, tf.cast(header.profile, tf.int32), tf.cast(header.profile_size, tf.int32)
    )

    def decompressed() -> tf.Tensor:
        return attempt.result_or(
            tf.constant(""), lambda profile: tf.io.decode_compressed(profile, "ZLIB"), stored
        )

    is_compressed = (header.format == PNG) & (header.profile_size > 0)
    return tf.cond(is_compressed, decompressed, lambda: stored)


def parse(profile: tf.Tensor) -> Profile:
    """Read a profile, scalar string."""
    content_ = FileBytes(profile)
    is_colour = content_.number(16, 4, False) == _RGB
    is_light = content_.number(20, 4, False) == _XYZ
    colours = [_colour(content_, _tag(content_, name)) for name in _COLOUR_TAGS]
    curves = [_curve(content_, _tag(content_, name)) for name in _CURVE_TAGS]
    matrix = np.linalg.inv(_srgb_to_xyz()) @ tf.stack([colour for colour, _ in colours], 1)
    return Profile(
        is_usable=tf.reduce_all(
            [is_colour, is_light, *(is_valid for _, is_valid in colours + curves)]
        )
        & (_tag(content_, _TABLE) == 0)
        & ~_is_srgb(profile, _tag(content_, _DESCRIPTION)),
        curves=_in_integers(tf.stack([curve for curve, _ in curves])),
        matrix=_in_integers(matrix),
    )


def in_srgb(photo: tf.Tensor, profile: Profile) -> tf.Tensor:
    """Convert a photo, uint8 [height, width, 3], from a usable profile to sRGB."""
    shape = tf.shape(photo)
    values = tf.reshape(tf.cast(photo, tf.int32), [-1, 3])
    light = tf.stack([tf.gather(profile.curves[i], values[:, i]) for i in range(3)], 1)
    srgb = tf.matmul(light, profile.matrix, transpose_b=True) + _ONE // 2
    srgb = tf.clip_by_value(tf.bitwise.right_shift(srgb, 14), 0, _ONE)
    values_of_light = pixels.srgb_of(tf.linspace(tf.zeros([], tf.float64), 1, _ONE + 1))
    return tf.reshape(tf.gather(values_of_light, srgb), shape)


def _srgb_to_xyz() -> np.ndarray:
    """Return the matrix from light of sRGB to X, Y and Z, adapted to the white of profiles."""
    colours = _PRIMARIES * np.linalg.solve(_PRIMARIES, _D65)
    adaptation = np.diag((_CONES @ _D50) / (_CONES @ _D65))
    return np.linalg.inv(_CONES) @ adaptation @ _CONES @ colours


def _in_integers(numbers: tf.Tensor) -> tf.Tensor:
    most = tf.cast(8 * _ONE, tf.float64)
    return tf.cast(tf.clip_by_value(tf.floor(numbers * _ONE + 0.5), -most, most), tf.int32)


def _tag(content_: FileBytes, name: int) -> tf.Tensor:
    """Return the offset of a tag's data, 0 if it is missing."""
    count = tf.minimum(content_.number(128, 4, False), _MAX_TAGS)
    entries = 132 + 12 * tf.range(count)
    is_it = content_.number(entries, 4, False) == name
    offsets = tf.boolean_mask(content_.number(entries + 4, 4, False), is_it)
    return tf.concat([offsets, [0]], 0)[0]


def _is_srgb(profile: tf.Tensor, description: tf.Tensor) -> tf.Tensor:
    length = tf.cast(tf.strings.length(profile), tf.int64)
    start = tf.minimum(description, length)  # beyond it, and above 31 bits, it is an error
    text = tf.strings.substr(profile, tf.cast(start, tf.int32), _MAX_DESCRIPTION)
    return tf.reduce_any([tf.size(tf.strings.split(text, name)) > 1 for name in _OWN_NAMES])


def _signed(content_: FileBytes, offset: tf.Tensor) -> tf.Tensor:
    """Return a number of 16 bits and 16 bits behind the point (s15Fixed16Number), float64."""
    number = content_.number(offset, 4, False)
    return tf.cast(where(number < 2**31, number, number - 2**32), tf.float64) / 2**16


def _colour(content_: FileBytes, tag: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return X, Y and Z of a colour, float64 [3], and whether the tag is valid."""
    is_valid = (tag > 0) & (content_.number(tag, 4, False) == _XYZ)
    return _signed(content_, tag + 8 + 4 * tf.range(3, dtype=tf.int64)), is_valid


def _curve(content_: FileBytes, tag: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the light of the values 0 to 255, float64 [256], and whether the tag is valid."""
    kind = content_.number(tag, 4, False)
    function = content_.number(tag + 8, 2, False)
    values = tf.linspace(tf.zeros([], tf.float64), 1, 256)
    curve = tf.cond(
        kind == _CURVE,
        lambda: _sampled(content_, tag, values),
        lambda: _parametric(content_, tag, function, values),
    )
    is_valid = (tag > 0) & ((kind == _CURVE) | ((kind == _PARAMETERS) & (function <= 4)))
    return curve, is_valid & tf.reduce_all(tf.math.is_finite(curve))


def _sampled(content_: FileBytes, tag: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Interpolate a table; one entry is a power, and none means the values themselves (10.6)."""
    count = content_.number(tag + 8, 4, False)
    place = values * tf.cast(tf.maximum(count - 1, 1), tf.float64)
    before = tf.cast(tf.floor(place), tf.int64)
    after = tf.minimum(before + 1, tf.maximum(count - 1, 0))
    low, high = (
        tf.cast(content_.number(tag + 12 + 2 * index, 2, False), tf.float64) / 65535
        for index in (before, after)
    )
    table = low + (high - low) * (place - tf.floor(place))
    power = values ** (tf.cast(content_.number(tag + 12, 2, False), tf.float64) / 256)
    return tf.where(count == 0, values, tf.where(count == 1, power, table))


def _parametric(
    content_: FileBytes, tag: tf.Tensor, function: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """Compute one of the five functions of 10.18, all of them as the last one, type 4."""
    g, a, b, c, d, e, f = tf.unstack(_signed(content_, tag + 12 + 4 * tf.range(7, dtype=tf.int64)))
    zero, one = tf.zeros([], tf.float64), tf.ones([], tf.float64)
    a, b = (tf.where(function == 0, other, it) for it, other in ((a, one), (b, zero)))
    offset = tf.where(function == 2, c, tf.where(function == 4, e, zero))
    slope = tf.where(function >= 3, c, zero)
    constant = tf.where(function == 2, c, tf.where(function == 4, f, zero))
    limit = tf.where(function >= 3, d, -b / tf.where(a == 0, one, a))
    power = tf.maximum(a * values + b, 0) ** g + offset
    return tf.where(values >= limit, power, slope * values + constant)
