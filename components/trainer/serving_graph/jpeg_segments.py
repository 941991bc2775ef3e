"""Reads the header of a JPEG in a TensorFlow graph (ITU-T T.81, annex B)."""

import tensorflow as tf

from . import exif
from .file_bytes import FileBytes, where
from .header import JPEG, Header, header

_APP1, _APP2, _START_OF_SCAN, _END = 0xE1, 0xE2, 0xDA, 0xD9
_EXIF, _XMP, _ICC = (int.from_bytes(name, "big") for name in (b"Exif", b"http", b"ICC_"))
"""How the content of an APP1 or APP2 segment begins."""
_EXIF_BYTES, _ICC_BYTES = 6, 14
"""Of the segment's content, before that of EXIF or of the profile."""
_XMP_ORIENTATION = "tiff:Orientation"
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers in the range of frames, 0xC0 to 0xCF, that do not begin a frame."""
_MAX_SEGMENTS = 512


def read(encoded: tf.Tensor, content: FileBytes) -> Header:
    """Read the segments up to the frame header.

    A profile in several segments is ignored; that of a colour picture is a few hundred bytes.

    Args:
        encoded: the file, scalar string.
        content: its beginning.
    """
    exif_, xmp, icc, frame = tf.unstack(_segments(content))
    is_found = frame > 0
    orientation = exif.orientation(content, where(exif_ > 0, exif_ + _EXIF_BYTES, 0))
    by_xmp = _orientation_by_xmp(encoded, xmp)
    is_coloured = content.at(frame + 5) == 3
    is_whole = content.number(icc + 12, 2, False) == 0x0101  # the first of one
    has_profile = (icc > 0) & is_coloured & is_whole
    return header(
        JPEG,
        width=where(is_found, content.number(frame + 3, 2, False), 0),
        height=where(is_found, content.number(frame + 1, 2, False), 0),
        orientation=where(orientation > 0, orientation, by_xmp),
        profile=icc + _ICC_BYTES,
        profile_size=where(has_profile, content.number(icc - 2, 2, False) - 2 - _ICC_BYTES, 0),
    )


def _segments(content: FileBytes) -> tf.Tensor:
    """Return the offsets of the contents of EXIF, XMP, the ICC profile and the frame, int64.

    It is 0 for a segment that is missing.
    """
    start = tf.constant(2, tf.int64)

    def has_next(offset: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        marker = content.at(offset + 1)
        at_end = tf.reduce_any(marker == [_START_OF_SCAN, _END])
        return (content.at(offset) == 0xFF) & ~at_end & (found[-1] == 0)

    def next_segment(offset: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker, name = content.at(offset + 1), content.number(offset + 4, 4, False)
        is_it = [
            (marker == _APP1) & (name == _EXIF),
            (marker == _APP1) & (name == _XMP),
            (marker == _APP2) & (name == _ICC),
            (marker >= 0xC0) & (marker <= 0xCF) & ~tf.reduce_any(marker == _NO_FRAMES),
        ]
        length = 2 + content.number(offset + 2, 2, False)
        following = offset + where(marker == 0xFF, 1, length)  # 0xFF before a marker is padding
        return following, where(tf.stack(is_it) & (found == 0), offset + 4, found)

    found = tf.zeros([4], tf.int64)
    loop = tf.while_loop(has_next, next_segment, (start, found), maximum_iterations=_MAX_SEGMENTS)
    return loop[1]


def _orientation_by_xmp(encoded: tf.Tensor, xmp: tf.Tensor) -> tf.Tensor:
    """Return the orientation of a photo without EXIF, as editors write it; 1 without XMP.

    It is an attribute, `tiff:Orientation="6"`, or an element, `<tiff:Orientation>6<`.
    """
    text = tf.strings.substr(encoded, tf.cast(xmp, tf.int32), 2**16)
    parts = tf.strings.split(text, _XMP_ORIENTATION, maxsplit=1)
    after = tf.strings.substr(tf.concat([parts, ["", ""]], 0)[1], 0, 3)
    digit = tf.strings.regex_replace(after, '^(="|>)([0-9]).*$', r"\2")
    is_stated = (xmp > 0) & tf.strings.regex_full_match(digit, "[1-8]")
    return tf.strings.to_number(tf.where(is_stated, digit, "1"), tf.int64)
