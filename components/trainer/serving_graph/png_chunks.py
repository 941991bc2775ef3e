"""Reads the header of a PNG in a TensorFlow graph (PNG, third edition, 11.2.2 and 11.3)."""

import tensorflow as tf

from . import exif
from .file_bytes import FileBytes, where
from .header import PNG, Header, header

_EXIF, _GAMMA, _SRGB, _TRANSPARENT, _PROFILE, _LAST = (
    int.from_bytes(name, "big") for name in (b"eXIf", b"gAMA", b"sRGB", b"tRNS", b"iCCP", b"IEND")
)
_MAX_CHUNKS = 4096
_GREY, _COLOURED, _WITH_ALPHA = 0, 2, 4
"""Of the colour type: the type of greys, and two bits."""
_LONGEST_NAME = 80
_MOST_COMPRESSED = 2**14
"""Bytes of a profile: after decompression it may have a thousand times as many."""


def read(content: FileBytes) -> Header:
    """Read the chunks up to the end, or as far as the file was read.

    TensorFlow ignores one kind of transparency, a single value among greys.
    """
    offsets = _chunks(content, (_EXIF, _GAMMA, _SRGB, _TRANSPARENT, _PROFILE))
    exif_, gamma, srgb, transparent, profile = tf.unstack(offsets)
    bits, colour_type = content.at(24), content.at(25)
    is_grey = colour_type == _GREY
    profile_size = where(colour_type & _COLOURED > 0, _profile_size(content, profile), 0)
    return header(
        PNG,
        width=content.number(16, 4, False),
        height=content.number(20, 4, False),
        orientation=tf.maximum(exif.orientation(content, exif_), 1),
        has_alpha=(colour_type & _WITH_ALPHA > 0) | ((transparent > 0) & ~is_grey),
        is_deep_grey=is_grey & (bits == 16),
        gamma=where((gamma > 0) & (srgb == 0), content.number(gamma, 4, False), 0),
        profile=profile + content.number(profile - 8, 4, False) - profile_size,
        profile_size=profile_size,
    )


def _profile_size(content: FileBytes, chunk: tf.Tensor) -> tf.Tensor:
    """Return the bytes of a profile behind its name, or 0: there is none, or it is too large."""
    is_end = content.at(chunk + tf.range(_LONGEST_NAME, dtype=tf.int64)) == 0
    name = tf.argmax(tf.cast(is_end, tf.int32))
    size = content.number(chunk - 8, 4, False) - name - 2
    return where((chunk > 0) & (size > 0) & (size <= _MOST_COMPRESSED), size, 0)


def _chunks(content: FileBytes, names: tuple[int, ...]) -> tf.Tensor:
    """Return the offset of the first content of each chunk, int64; 0 where there is none."""
    start = tf.constant(8, tf.int64)

    def has_next(offset: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        name = content.number(offset + 4, 4, False)
        return (name != 0) & (name != _LAST)

    def next_chunk(offset: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_first = (content.number(offset + 4, 4, False) == names) & (found == 0)
        return offset + 12 + content.number(offset, 4, False), where(is_first, offset + 8, found)

    found = tf.zeros([len(names)], tf.int64)
    return tf.while_loop(has_next, next_chunk, (start, found), maximum_iterations=_MAX_CHUNKS)[1]
