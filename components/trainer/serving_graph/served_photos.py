"""Prepares the photos that clients send, in the served graph.

It uses TensorFlow alone, because a SavedModel must be complete in itself. The steps are those of
ingestion, `photos.prepare`: decode, shrink, turn upright, encode as a JPEG. So the network receives
what it was trained and evaluated on. A photo that cannot be used gets a reason instead of an error,
so that the other photos of its batch get an age.
"""

import tensorflow as tf

from customer_age.photos.spec import PhotoSpec
from customer_age.schema.refusals import Reason

from .. import images
from . import attempt, file_headers, icc_profile, pixels
from .header import JPEG, OTHER, Header
from .stored_size import shrunk

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 120_000_000
"""Of a photo, by its header."""
MAX_DECODED_PIXELS = 40_000_000
"""Of a decoded photo, after JPEG's scaling."""
MAX_SIDE = 65_500
"""Pixels. A test checks that these four limits are equal to those of `photos.decode`."""

_RATIOS = (1, 2, 4, 8)
"""By which libjpeg can shrink a JPEG while it decodes."""


def prepare(encoded: tf.Tensor, size: int, spec: PhotoSpec) -> tuple[tf.Tensor, tf.Tensor]:
    """Prepare one photo as in ingestion, and fit it into the network's square.

    Args:
        encoded: scalar string; JPEG, PNG, GIF (its first frame) and BMP can be decoded.
        size: pixels of the square's side.
        spec: how the photos were prepared that the network was trained on.

    Returns:
        float32 [size, size, 3], RGB, 0 to 255; and a scalar string: empty, or the code of a
        `Reason` if the photo cannot be used. Its pixels are then NaN.
    """
    header = file_headers.read(encoded)
    scaling = _scaling(header, spec)
    reason = _reason(encoded, header, scaling, spec)
    photo = tf.cond(
        tf.equal(reason, ""), lambda: _decoded_or_nothing(encoded, header, scaling), _nothing
    )
    is_decoded = tf.size(photo) > 0
    square = tf.cond(
        is_decoded,
        lambda: images.square(_stored(photo, encoded, header, spec), size),
        lambda: tf.fill([size, size, 3], float("nan")),
    )
    square.set_shape([size, size, 3])
    is_damaged = tf.equal(reason, "") & ~is_decoded
    return square, tf.where(is_damaged, Reason.DAMAGED.value, reason)


def _reason(encoded: tf.Tensor, header: Header, scaling: tf.Tensor, spec: PhotoSpec) -> tf.Tensor:
    """Return the code of the reason not to decode a photo, or an empty string."""
    length = tf.strings.length(encoded)
    area = header.width * header.height
    ratio = tf.cast(tf.gather(_RATIOS, scaling), tf.int64)
    is_too_large = (
        (area > MAX_PIXELS)
        | (area // ratio**2 > MAX_DECODED_PIXELS)
        | (tf.maximum(header.width, header.height) > MAX_SIDE)
    )
    is_too_small = (area > 0) & (tf.minimum(header.width, header.height) < spec.min_size)
    is_known = header.format != OTHER
    unknown = tf.where(
        file_headers.is_other_picture(encoded),
        Reason.FORMAT_UNSUPPORTED.value,
        Reason.NOT_AN_IMAGE.value,
    )
    reason = tf.where(is_too_small, Reason.TOO_SMALL.value, "")
    reason = tf.where(is_too_large, Reason.TOO_MANY_PIXELS.value, reason)
    reason = tf.where(is_known, reason, unknown)
    reason = tf.where(length > MAX_FILE_BYTES, Reason.FILE_TOO_LARGE.value, reason)
    return tf.where(length == 0, Reason.FILE_EMPTY.value, reason)


def _nothing() -> tf.Tensor:
    return tf.zeros([0, 0, 3], tf.uint8)


def _decoded_or_nothing(encoded: tf.Tensor, header: Header, scaling: tf.Tensor) -> tf.Tensor:
    """Return a photo's pixels, or none if decoding fails."""
    return attempt.result_or(
        _nothing(),
        lambda photo, step, *parts: _decoded(photo, Header(*parts), step),
        *(encoded, scaling, *header),
    )


def _decoded(encoded: tf.Tensor, header: Header, scaling: tf.Tensor) -> tf.Tensor:
    """Return uint8 [height, width, 3 or 4]; a JPEG with a fraction of its pixels."""
    ratios = [lambda ratio=ratio: images.decoded_jpeg(encoded, ratio) for ratio in _RATIOS]

    def not_a_jpeg() -> tf.Tensor:
        return tf.cond(
            header.is_deep_grey > 0,
            lambda: pixels.of_deep_grey(tf.io.decode_png(encoded, 1, tf.uint16)),
            lambda: _decoded_image(encoded, 3),
        )

    photo = tf.cond(
        header.format == JPEG,
        lambda: tf.switch_case(scaling, ratios),
        lambda: tf.cond(header.has_alpha > 0, lambda: _decoded_image(encoded, 4), not_a_jpeg),
    )
    return tf.ensure_shape(photo, [None, None, None])


def _decoded_image(encoded: tf.Tensor, channels: int) -> tf.Tensor:
    return tf.io.decode_image(encoded, channels, expand_animations=False)


def _stored(photo: tf.Tensor, encoded: tf.Tensor, header: Header, spec: PhotoSpec) -> tf.Tensor:
    """Return a decoded photo as ingestion would store it: a JPEG, scalar string."""

    def with_channels(number: int) -> tf.Tensor:
        return shrunk(tf.ensure_shape(photo, [None, None, number]), spec.stored_size)

    photo = tf.cond(
        header.has_alpha > 0,
        lambda: pixels.on_white(with_channels(4)),
        lambda: with_channels(3),
    )
    photo = pixels.turned(tf.ensure_shape(photo, [None, None, 3]), header.orientation)
    photo = _in_srgb(photo, encoded, header)
    return tf.io.encode_jpeg(photo, quality=spec.jpeg_quality, chroma_downsampling=True)


def _in_srgb(photo: tf.Tensor, encoded: tf.Tensor, header: Header) -> tf.Tensor:
    """Convert a photo by its profile, or else by its gamma."""

    def by_profile() -> tf.Tensor:
        profile = icc_profile.parse(icc_profile.content(encoded, header))
        return tf.cond(profile.is_usable, lambda: icc_profile.in_srgb(photo, profile), by_gamma)

    def by_gamma() -> tf.Tensor:
        return pixels.in_srgb(photo, header.gamma)

    return tf.cond(header.profile_size > 0, by_profile, by_gamma)


def _scaling(header: Header, spec: PhotoSpec) -> tf.Tensor:
    """Return the index in `_RATIOS` of a photo's decoding; 0 if it is not a JPEG.

    At least twice the stored size, as in ingestion: scaled decoding shrinks with poor quality.
    """
    shorter = tf.minimum(header.width, header.height)
    large_enough = shorter // tf.constant(_RATIOS[1:], tf.int64) >= 2 * spec.stored_size
    steps = tf.reduce_sum(tf.cast(large_enough, tf.int32))
    return tf.where(header.format == JPEG, steps, 0)
