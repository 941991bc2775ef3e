"""Reads the header of a photo's file in a TensorFlow graph.

A served graph has no Pillow. TensorFlow's decoders do not read EXIF, and do not return a photo's
size before they decode it. JPEG: ITU-T T.81, annex B; EXIF: CIPA DC-008, 4.6.
"""

from typing import NamedTuple

import tensorflow as tf

JPEG, PNG, GIF, BMP, OTHER = range(5)
"""Formats by their first bytes; TensorFlow decodes all but the last."""

_SIGNATURES = {JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n", GIF: b"GIF8", BMP: b"BM"}

_OTHER_PICTURES = {
    0: (
        b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM", b"8BPS", b"%PDF-", b"\0\0\1\0",
        b"\0\0\0\x0cjP", b"\0\0\0\x0cJXL", b"\xff\x0a", b"\xff\x4f\xff\x51", b"\xff\xd8\xff\xf7",
    ),
    4: (b"ftyp",),
    8: (b"WEBP",),
}  # fmt: skip
"""Offset to the signatures of formats that this graph does not decode: TIFF and most raw files,
other kinds of BMP, PSD, PDF, ICO, JPEG 2000, JPEG XL and JPEG-LS; HEIC and AVIF; WebP."""

_HEAD_BYTES = 12

_READ_BYTES = 2**20
"""Of a file. A JPEG's size and EXIF are before its pixels, but after profiles and previews."""

_ORIENTATION_TAG = 0x0112
_MAX_TAGS = 512
_MAX_SEGMENTS = 512
_MAX_CHUNKS = 4096
_EXIF_CHUNK, _LAST_CHUNK = (int.from_bytes(name, "big") for name in (b"eXIf", b"IEND"))

_EXIF, _START_OF_SCAN, _END = 0xE1, 0xDA, 0xD9
_JPEG_LS = 0xF7
_NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers in the range of frames, 0xC0 to 0xCF, that do not begin a frame."""


class Header(NamedTuple):
    """Scalars, int64; an orientation that is not stated is 1, a side that is not stated 0.

    `opaque` is the alpha with which TensorFlow decodes an opaque pixel, or 0 if all pixels are
    opaque.
    """

    format: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    orientation: tf.Tensor
    opaque: tf.Tensor


def read(encoded: tf.Tensor) -> Header:
    """Read a file's header; a damaged one raises no error.

    Args:
        encoded: scalar string.

    Returns:
        One of the formats, the sides in pixels as stored, the EXIF orientation of a JPEG or a PNG,
        1 to 8, and the alpha of opaque pixels in a PNG or a BMP.
    """
    content = _Bytes(tf.io.decode_raw(tf.strings.substr(encoded, 0, _READ_BYTES), tf.uint8))
    matches = [
        tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature)
        for signature in _SIGNATURES.values()
    ]
    matches[JPEG] &= content.at(3) != _JPEG_LS
    matches[BMP] &= _is_decoded_bmp(content)
    file_format = tf.argmax(tf.cast([*matches, True], tf.int32))
    one, zero = tf.constant(1, tf.int64), tf.constant(0, tf.int64)
    width, height, orientation = tf.switch_case(
        tf.cast(file_format, tf.int32),
        {
            JPEG: lambda: _jpeg(content),
            PNG: lambda: _png(content),
            GIF: lambda: (content.number(6, 2, True), content.number(8, 2, True), one),
            BMP: lambda: (_side(content, 18), _side(content, 22), one),
            OTHER: lambda: (zero, zero, one),
        },
    )
    opaque = tf.reduce_max(
        [
            _where(file_format == PNG, _opaque_in_png(content), 0),
            _where((file_format == BMP) & _has_alpha_mask(content), 255, 0),
        ]
    )
    return Header(file_format, width, height, orientation, opaque)


def is_other_picture(encoded: tf.Tensor) -> tf.Tensor:
    """Return whether a file, scalar string, has the signature of another image format."""
    head = tf.strings.join([tf.strings.substr(encoded, 0, _HEAD_BYTES), "\0" * _HEAD_BYTES])
    return tf.reduce_any(
        [
            tf.equal(tf.strings.substr(head, offset, len(signature)), signature)
            for offset, signatures in _OTHER_PICTURES.items()
            for signature in signatures
        ]
    )


class _Bytes:
    """The first bytes of a file; any byte beyond them is 0."""

    def __init__(self, content: tf.Tensor):
        self._length = tf.size(content, tf.int64)
        self._padded = tf.concat([content, tf.zeros([1], tf.uint8)], 0)

    def at(self, offset: tf.Tensor | int) -> tf.Tensor:
        """Return unsigned bytes, int64, at one offset or several."""
        offset = tf.cast(offset, tf.int64)
        inside = (offset >= 0) & (offset < self._length)
        return tf.cast(tf.gather(self._padded, _where(inside, offset, self._length)), tf.int64)

    def number(
        self, offset: tf.Tensor | int, size: int, little_endian: tf.Tensor | bool
    ) -> tf.Tensor:
        """Return unsigned numbers of 2 or 4 bytes, int64, at one offset or several."""
        parts = [self.at(offset + index) for index in range(size)]
        return _where(little_endian, _joined(parts[::-1]), _joined(parts))


def _where(condition: tf.Tensor, yes: tf.Tensor | int, no: tf.Tensor | int) -> tf.Tensor:
    return tf.where(condition, tf.cast(yes, tf.int64), tf.cast(no, tf.int64))


def _joined(parts: list[tf.Tensor]) -> tf.Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total * 256 + part
    return total


def _side(content: _Bytes, offset: int) -> tf.Tensor:
    """Return a BMP's side: a height below 0 means that the top row comes first."""
    side = content.number(offset, 4, True)
    return _where(side < 2**31, side, 2**32 - side)


def _is_decoded_bmp(content: _Bytes) -> tf.Tensor:
    """Return whether TensorFlow decodes a BMP correctly: 24 or 32 bits, not compressed.

    It reads the indexes of a palette as greys, and fails on all other kinds.
    """
    header, bits = content.number(14, 4, True), content.number(28, 2, True)
    compression, red_mask = content.number(30, 4, True), content.number(54, 4, True)
    has_usual_masks = (bits == 32) & (compression == 3) & (red_mask == 0xFF0000)
    is_plain = ((bits == 24) | (bits == 32)) & (compression == 0)
    return (header >= 40) & (is_plain | has_usual_masks)


def _has_alpha_mask(bmp: _Bytes) -> tf.Tensor:
    has_masks = (bmp.number(14, 4, True) >= 56) & (bmp.number(30, 4, True) == 3)
    return has_masks & (bmp.number(66, 4, True) == 0xFF000000)


def _opaque_in_png(content: _Bytes) -> tf.Tensor:
    """Return 255; but 1, 3 or 15 for 1, 2 or 4 bits: TensorFlow adds that alpha to such PNGs."""
    bits = tf.minimum(content.at(24), 8)
    return 2**bits - 1


def _png(content: _Bytes) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return width, height and EXIF orientation: read a PNG's chunks up to its EXIF.

    PNG, third edition, 11.3.4.5.
    """
    start, zero = tf.constant(8, tf.int64), tf.constant(0, tf.int64)

    def has_next(offset: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        name = content.number(offset + 4, 4, False)
        return (name != 0) & (name != _LAST_CHUNK) & (exif == 0)

    def next_chunk(offset: tf.Tensor, exif: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        is_exif = content.number(offset + 4, 4, False) == _EXIF_CHUNK
        return offset + 12 + content.number(offset, 4, False), _where(is_exif, offset + 8, exif)

    _, exif = tf.while_loop(has_next, next_chunk, (start, zero), maximum_iterations=_MAX_CHUNKS)
    width, height = content.number(16, 4, False), content.number(20, 4, False)
    return width, height, _orientation(content, exif)


def _jpeg(content: _Bytes) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return width, height and EXIF orientation: read a JPEG's segments up to the frame header."""
    start, zero = tf.constant(2, tf.int64), tf.constant(0, tf.int64)

    def has_next(offset: tf.Tensor, exif: tf.Tensor, frame: tf.Tensor) -> tf.Tensor:
        marker = content.at(offset + 1)
        at_end = tf.reduce_any(marker == [_START_OF_SCAN, _END])
        return (content.at(offset) == 0xFF) & ~at_end & (frame == 0)

    def next_segment(
        offset: tf.Tensor, exif: tf.Tensor, frame: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        marker = content.at(offset + 1)
        is_exif = (marker == _EXIF) & (content.number(offset + 4, 4, False) == 0x45786966)
        is_frame = (marker >= 0xC0) & (marker <= 0xCF) & ~tf.reduce_any(marker == _NO_FRAMES)
        length = 2 + content.number(offset + 2, 2, False)
        return (
            offset + _where(marker == 0xFF, 1, length),  # 0xFF before a marker is padding
            _where(is_exif & (exif == 0), offset + 10, exif),
            _where(is_frame, offset, frame),
        )

    _, exif, frame = tf.while_loop(
        has_next, next_segment, (start, zero, zero), maximum_iterations=_MAX_SEGMENTS
    )
    found = frame > 0
    height = _where(found, content.number(frame + 5, 2, False), 0)
    width = _where(found, content.number(frame + 7, 2, False), 0)
    return width, height, _orientation(content, exif)


def _orientation(content: _Bytes, tiff: tf.Tensor) -> tf.Tensor:
    """Return the orientation from the first directory of EXIF's TIFF, which begins at `tiff`."""
    little = content.at(tiff) == ord("I")
    directory = tiff + content.number(tiff + 4, 4, little)
    count = tf.minimum(content.number(directory, 2, little), _MAX_TAGS)
    entries = directory + 2 + 12 * tf.range(count)
    tags = content.number(entries, 2, little)
    values = tf.boolean_mask(content.number(entries + 8, 2, little), tags == _ORIENTATION_TAG)
    value = tf.reduce_max(tf.concat([values, [0]], 0))
    stated = (tiff > 0) & (value >= 1) & (value <= 8)
    return _where(stated, value, 1)
