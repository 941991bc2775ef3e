"""Shrinks photos in a TensorFlow graph, to the size and with the rounding of ingestion.

Ingestion shrinks with Pillow: a box filter by whole factors if a photo is far too large, then a
Lanczos filter across, then down, each rounded to bytes. TensorFlow's `ScaleAndTranslate` has both
filters. Where a byte differs by one, a trained network's age differs by up to a tenth of a year.
"""

import tensorflow as tf

GAP = 2
"""How much larger than the result a photo may be before the box filter: `prepare`'s `reducing_gap`.
"""


def shrunk(photo: tf.Tensor, stored_size: int) -> tf.Tensor:
    """Shrink a photo as `photos.prepare` does; a small one stays as it is.

    Args:
        photo: uint8 [height, width, channels]; with an alpha channel if there are four.
        stored_size: pixels of the result's shorter side.

    Returns:
        uint8 [height, width, channels].
    """
    sides = tf.shape(photo)[:2]
    shorter = tf.reduce_min(sides)
    scaled = tf.cast(sides * stored_size, tf.float64) / tf.cast(shorter, tf.float64)
    smaller = tf.maximum(tf.cast(tf.round(scaled), tf.int32), 1)
    with_alpha = photo.shape[-1] == 4
    return tf.cond(
        shorter <= stored_size,
        lambda: photo,
        lambda: (_resized_with_alpha if with_alpha else _resized)(photo, smaller),
    )


def _resized(photo: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    before = tf.shape(photo)[:2]
    factors = tf.maximum(before // sides // GAP, 1)
    reduced = tf.cond(tf.reduce_any(factors > 1), lambda: _reduced(photo, factors), lambda: photo)
    return _by_lanczos(reduced, sides, before / factors)


def _reduced(photo: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Replace each box of pixels by its mean; the boxes at the end are smaller.

    Args:
        photo: uint8 [height, width, channels].
        factors: height and width of a box, pixels.
    """
    before = tf.shape(photo)[:2]
    boxes = (before + factors - 1) // factors
    missing = boxes * factors - before
    padded = tf.pad(photo, [[0, missing[0]], [0, missing[1]], [0, 0]])
    means = _scaled(padded, boxes, 1 / factors, "box")
    totals = tf.round(means * tf.cast(tf.reduce_prod(factors), tf.float32))
    down, across = (
        tf.where(tf.range(boxes[axis]) < boxes[axis] - 1, 0, missing[axis]) for axis in (0, 1)
    )
    pixels = tf.cast((factors[0] - down)[:, None] * (factors[1] - across), tf.int64)[..., None]
    # Pillow's division in integers: 1 / 25 comes out a little smaller, so few means are rounded up.
    part = 2**24 // pixels
    quotients = (tf.cast(totals, tf.int64) + pixels // 2) * part
    return tf.cast(tf.bitwise.right_shift(quotients, 24), tf.uint8)


def _resized_with_alpha(photo: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    """Shrink without the box filter; colours count as much as they are visible."""
    alpha = photo[..., 3:]
    smaller = _by_lanczos(
        tf.concat([_times(photo[..., :3], alpha), alpha], -1), sides, tf.shape(photo)[:2]
    )
    colours, alpha = tf.cast(smaller[..., :3], tf.int32), tf.cast(smaller[..., 3:], tf.int32)
    visible = tf.minimum(255 * colours // tf.maximum(alpha, 1), 255)
    colours = tf.where((alpha == 0) | (alpha == 255), colours, visible)
    return tf.cast(tf.concat([colours, alpha], -1), tf.uint8)


def _times(colours: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Multiply two uint8 tensors as parts of 255, rounded; without more than 16 bits a pixel."""
    product = tf.cast(colours, tf.uint16) * tf.cast(alpha, tf.uint16) + 128
    return tf.cast(
        tf.bitwise.right_shift(product + tf.bitwise.right_shift(product, 8), 8), tf.uint8
    )


def _by_lanczos(photo: tf.Tensor, sides: tf.Tensor, extent: tf.Tensor) -> tf.Tensor:
    """Shrink first across, then down.

    Args:
        photo: uint8 [height, width, channels].
        sides: height and width of the result.
        extent: height and width in pixels of `photo`; parts of a pixel are possible.
    """
    across, down = tf.unstack(tf.cast(sides, tf.float64) / tf.cast(extent, tf.float64))[::-1]
    narrow = _turned(_with_height(_turned(photo), sides[1], across))
    return _with_height(narrow, sides[0], down)


def _with_height(photo: tf.Tensor, height: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Scale down alone; TensorFlow is faster if a row is one pixel of many channels."""
    before, width, channels = tf.unstack(tf.shape(photo))
    rows = tf.reshape(photo, [before, 1, width * channels])
    scaled = _scaled(rows, [height, 1], [scale, tf.ones([], tf.float64)], "lanczos3")
    return tf.reshape(_rounded(scaled), [height, width, channels])


def _turned(photo: tf.Tensor) -> tf.Tensor:
    return tf.transpose(photo, [1, 0, 2])


def _scaled(photo: tf.Tensor, sides: tf.Tensor, scales: tf.Tensor, kernel: str) -> tf.Tensor:
    return tf.raw_ops.ScaleAndTranslate(
        images=photo[None],
        size=sides,
        scale=tf.cast(scales, tf.float32),
        translation=[0.0, 0.0],
        kernel_type=kernel,
        antialias=True,
    )[0]


def _rounded(pixels: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(tf.floor(pixels + 0.5), 0.0, 255.0), tf.uint8)
