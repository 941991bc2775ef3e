"""Prepare one photo: decode, check, shrink, turn upright, convert to sRGB and encode it.

Pillow decodes, because it supports phone photos best: EXIF orientation, ICC profiles, CMYK, and
JPEG's DCT scaling, which decodes a large photo at 1/2, 1/4 or 1/8 of its size in much less time.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from . import color
from .decode import check_decoded_size, check_size, damaged, open_image, orientation
from .sharpness import sharpness
from .spec import PhotoSpec

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Photo:
    """A photo as it is stored, and properties of the original.

    Attributes:
        encoded: a JPEG, upright, sRGB, without EXIF.
        format: of the original, as Pillow names it.
        mode: colour mode of the original, as Pillow names it.
        width: pixels of the original, turned upright.
        height: pixels of the original, turned upright.
        byte_size: bytes of the original.
        brightness: mean luma of the stored photo, 0 to 255.
        sharpness: variance of the Laplacian of the stored photo's luma.
    """

    encoded: bytes
    format: str
    mode: str
    width: int
    height: int
    byte_size: int
    brightness: float
    sharpness: float

    @property
    def squareness(self) -> float:
        """Shorter side over longer side, in (0, 1]."""
        return min(self.width, self.height) / max(self.width, self.height)


def prepare_photo(content: bytes, spec: PhotoSpec) -> Photo:
    """Convert a photo file to the stored photo.

    Args:
        content: the file.
        spec: the sizes and the quality; a photo smaller than the stored size is not enlarged.

    Raises:
        PhotoRefused: the photo cannot be used.
    """
    image = open_image(content)
    mode, size = image.mode, image.size
    check_size(*size, spec.min_size)
    # At least twice the stored size: scaled decoding alone shrinks with poor quality.
    image.draft(None, (2 * spec.stored_size, 2 * spec.stored_size))
    check_decoded_size(*image.size)
    try:
        image.load()
        if image.format in ("TIFF", "HEIF"):  # `load` may have turned it or corrected its size.
            size = image.size
        turn = orientation(image, content)
        stored = _stored_image(image, turn, spec.stored_size)
    except Exception as error:  # Decoders raise many kinds of errors for damaged files.
        raise damaged(content, error) from error
    width, height = reversed(size) if turn >= 5 else size
    luma = np.asarray(stored.convert("L"))
    return Photo(
        encoded=_encode(stored, spec.jpeg_quality),
        format=image.format or "",
        mode=mode,
        width=width,
        height=height,
        byte_size=len(content),
        brightness=float(luma.mean()),
        sharpness=sharpness(luma),
    )


def _stored_image(image: Image.Image, turn: int, stored_size: int) -> Image.Image:
    """Shrink an image first, so that turning it and converting its colours is faster.

    Returns:
        An upright image of mode RGB, its shorter side at most `stored_size` pixels.
    """
    shrunk = _shrink(color.resizable(image), stored_size)
    upright = shrunk.transpose(_TURNS[turn]) if turn in _TURNS else shrunk
    return color.to_srgb(upright)


def _shrink(image: Image.Image, stored_size: int) -> Image.Image:
    shorter = min(image.size)
    if shorter <= stored_size:
        return image
    width, height = (max(1, round(side * stored_size / shorter)) for side in image.size)
    # With the gap, Pillow shrinks large images with a cheap box filter first.
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encode(image: Image.Image, quality: int) -> bytes:
    image.info = {}  # Otherwise Pillow would also write comments and the resolution.
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
