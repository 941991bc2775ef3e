"""Prepares the photos that clients send, in the served graph.

It uses TensorFlow alone, because a SavedModel must be complete in itself. Photos are turned upright
by EXIF, and large JPEGs are decoded at a fraction of their size. A photo that cannot be used gets a
reason instead of an error, so that the other photos of its batch get an age.
"""

import tensorflow as tf

from customer_age.schema.refusals import Reason

from .. import images
from . import file_headers
from .file_headers import Header

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 120_000_000
"""Of a photo, by its header."""
MAX_DECODED_PIXELS = 40_000_000
"""Of a decoded photo, after JPEG's scaling. A test checks that these three limits are equal to
those of `photos.decode`."""

SCALED_SIDE = 512
"""Least pixels of a JPEG's shorter side when it is decoded at 1/2, 1/4 or 1/8 of its size: twice
the default of `data.stored_size`, as in ingestion."""

_RATIOS = (1, 2, 4, 8)


def prepare(encoded: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode one photo, turn it upright and fit it into the network's square.

    Args:
        encoded: scalar string; JPEG, PNG, GIF (its first frame) and BMP can be decoded.
        size: pixels of the square's side.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255; and a scalar string: empty, or the code of a
        `Reason` if the photo cannot be used. Its pixels are then NaN.
    """
    header = file_headers.read(encoded)
    reason = _reason(encoded, header)
    unusable = tf.fill([size, size, 3], float("nan"))
    square = tf.cond(
        tf.equal(reason, ""),
        lambda: _square_or(unusable, encoded, header, size),
        lambda: unusable,
    )
    square.set_shape([size, size, 3])
    is_damaged = tf.equal(reason, "") & tf.math.is_nan(square[0, 0, 0])
    return square, tf.where(is_damaged, Reason.DAMAGED.value, reason)


def _reason(encoded: tf.Tensor, header: Header) -> tf.Tensor:
    """Return the code of the reason not to decode a photo, or an empty string."""
    length = tf.strings.length(encoded)
    pixels = header.width * header.height
    ratio = tf.cast(tf.gather(_RATIOS, _scaling(header)), tf.int64)
    is_large = (pixels > MAX_PIXELS) | (pixels // ratio**2 > MAX_DECODED_PIXELS)
    reason = tf.where(is_large, Reason.TOO_MANY_PIXELS.value, "")
    is_known = header.format != file_headers.OTHER
    unknown = tf.where(
        file_headers.is_other_picture(encoded),
        Reason.FORMAT_UNSUPPORTED.value,
        Reason.NOT_AN_IMAGE.value,
    )
    reason = tf.where(is_known, reason, unknown)
    reason = tf.where(length > MAX_FILE_BYTES, Reason.FILE_TOO_LARGE.value, reason)
    return tf.where(length == 0, Reason.FILE_EMPTY.value, reason)


def _square_or(otherwise: tf.Tensor, encoded: tf.Tensor, header: Header, size: int) -> tf.Tensor:
    """Return the photo's square, or another tensor if decoding fails.

    A graph cannot catch an error, but a data set of one photo can ignore it.
    """
    return (
        tf.data.Dataset.from_tensors((encoded, *header))
        .map(lambda photo, *parts: images.fitted(_upright(photo, Header(*parts)), size))
        .ignore_errors()
        .concatenate(tf.data.Dataset.from_tensors(otherwise))
        .take(1)
        .get_single_element()
    )


def _upright(encoded: tf.Tensor, header: Header) -> tf.Tensor:
    photo = tf.cond(
        header.format == file_headers.JPEG,
        lambda: _decoded_jpeg(encoded, header),
        lambda: tf.cond(
            header.opaque > 0,
            lambda: _on_white(_decoded(encoded, channels=4), header.opaque),
            lambda: _decoded(encoded, channels=3),
        ),
    )
    return _turned(tf.ensure_shape(photo, [None, None, 3]), header.orientation)


def _decoded_jpeg(encoded: tf.Tensor, header: Header) -> tf.Tensor:
    return tf.switch_case(
        _scaling(header),
        [lambda ratio=ratio: images.decoded_jpeg(encoded, ratio) for ratio in _RATIOS],
    )


def _decoded(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels, expand_animations=False)


def _on_white(photo: tf.Tensor, opaque: tf.Tensor) -> tf.Tensor:
    """Put the transparent parts of a photo, uint8 [height, width, 4], on white as in ingestion.

    TensorFlow ignores one rare kind of transparency: a single value of a PNG of greys.
    """
    colours, alpha = photo[..., :3], photo[..., 3:]

    def mixed() -> tf.Tensor:
        darkness = tf.cast(255 - colours, tf.float32) * tf.cast(alpha, tf.float32) / 255
        return 255 - tf.cast(tf.round(darkness), tf.uint8)

    is_opaque = tf.reduce_all(tf.equal(alpha, tf.cast(opaque, tf.uint8)))
    return tf.cond(is_opaque, lambda: colours, mixed)


def _scaling(header: Header) -> tf.Tensor:
    """Return the index in `_RATIOS` of a photo's decoding; 0 if it is not a JPEG."""
    shorter = tf.minimum(header.width, header.height)
    large_enough = shorter // tf.constant(_RATIOS[1:], tf.int64) >= SCALED_SIDE
    steps = tf.reduce_sum(tf.cast(large_enough, tf.int32))
    return tf.where(header.format == file_headers.JPEG, steps, 0)


def _turned(photo: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn a photo, [height, width, 3], upright by its EXIF orientation (CIPA DC-008)."""

    def flipped(axes: list[int], transposed: bool) -> tf.Tensor:
        turned = tf.transpose(photo, [1, 0, 2]) if transposed else photo
        return tf.reverse(turned, axes) if axes else turned

    turns = [([], False), ([1], False), ([0, 1], False), ([0], False)]
    turns += [([], True), ([1], True), ([0, 1], True), ([0], True)]
    return tf.switch_case(
        tf.cast(orientation, tf.int32) - 1,
        [lambda turn=turn: flipped(*turn) for turn in turns],
    )
