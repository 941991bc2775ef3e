"""Reads the header of a photo's file in a TensorFlow graph.

A served graph has no Pillow. TensorFlow's decoders do not read EXIF, and do not return a photo's
size before they decode it.
"""

import tensorflow as tf

from . import jpeg_segments, png_chunks
from .file_bytes import FileBytes, where
from .header import BMP, GIF, JPEG, OTHER, PNG, Header, header

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

_JPEG_LS = 0xF7


def read(encoded: tf.Tensor) -> Header:
    """Read a file's header; a damaged one raises no error.

    Args:
        encoded: scalar string.
    """
    content = FileBytes(tf.strings.substr(encoded, 0, _READ_BYTES))
    matches = [
        tf.equal(tf.strings.substr(encoded, 0, len(signature)), signature)
        for signature in _SIGNATURES.values()
    ]
    matches[JPEG] &= content.at(3) != _JPEG_LS
    matches[BMP] &= _is_decoded_bmp(content)
    return tf.switch_case(
        tf.argmax(tf.cast([*matches, True], tf.int32), output_type=tf.int32),
        {
            JPEG: lambda: jpeg_segments.read(encoded, content),
            PNG: lambda: png_chunks.read(content),
            GIF: lambda: header(GIF, content.number(6, 2, True), content.number(8, 2, True)),
            BMP: lambda: _bmp(content),
            OTHER: lambda: header(OTHER, 0, 0),
        },
    )


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


def _bmp(content: FileBytes) -> Header:
    has_masks = (content.number(14, 4, True) >= 56) & (content.number(30, 4, True) == 3)
    has_alpha = has_masks & (content.number(66, 4, True) == 0xFF000000)
    return header(BMP, _side(content, 18), _side(content, 22), has_alpha=has_alpha)


def _is_decoded_bmp(content: FileBytes) -> tf.Tensor:
    """Return whether TensorFlow decodes a BMP correctly: 24 or 32 bits, not compressed.

    It reads the indexes of a palette as greys, and fails on all other kinds.
    """
    size, bits = content.number(14, 4, True), content.number(28, 2, True)
    compression, red_mask = content.number(30, 4, True), content.number(54, 4, True)
    has_usual_masks = (bits == 32) & (compression == 3) & (red_mask == 0xFF0000)
    is_plain = ((bits == 24) | (bits == 32)) & (compression == 0)
    return (size >= 40) & (is_plain | has_usual_masks)


def _side(content: FileBytes, offset: int) -> tf.Tensor:
    """Return a BMP's side: a height below 0 means that the top row comes first."""
    side = content.number(offset, 4, True)
    return where(side < 2**31, side, 2**32 - side)
