"""One photo: decode it, check it, turn it upright, bring it to sRGB, shrink it, encode it.

Pillow decodes, since it knows phone photos best: EXIF turns, ICC profiles, CMYK, and JPEG's DCT
scaling, which decodes a large photo at 1/2, 1/4 or 1/8 of its size for a fraction of the time.
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
    """A photo as it is stored, and what it was before.

    Attributes:
        encoded: a JPEG, upright, sRGB, without EXIF.
        format: as it came, in Pillow's words.
        mode: colour mode as it came, in Pillow's words.
        width: pixels, as it came, after it was turned upright.
        height: pixels, as it came, after it was turned upright.
        byte_size: bytes, as it came.
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
    """Turn a photo file into what is stored.

    Args:
        content: the file.
        spec: how; a photo that is smaller than the stored size stays as it is.

    Raises:
        PhotoRefused: the photo cannot be used.
    """
    image = open_image(content)
    mode, size = image.mode, image.size
    check_size(*size, spec.min_size)
    # At least twice the stored size: scaled decoding alone is no good shrinking filter.
    image.draft(None, (2 * spec.stored_size, 2 * spec.stored_size))
    check_decoded_size(*image.size)
    try:
        image.load()
        if image.format in ("TIFF", "HEIF"):  # Turned, or its size corrected, while it was loaded.
            size = image.size
        turn = orientation(image, content)
        stored = _stored_image(image, turn, spec.stored_size)
    except Exception as error:  # Damaged files make decoders raise what they like.
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
    """Shrink, then turn and recolour, which needs fewer pixels so.

    Returns:
        Upright, mode RGB, the shorter side at most `stored_size`.
    """
    shrunk = _shrink(color.resizable(image), stored_size)
    upright = shrunk.transpose(_TURNS[turn]) if turn in _TURNS else shrunk
    return color.to_srgb(upright)


def _shrink(image: Image.Image, stored_size: int) -> Image.Image:
    shorter = min(image.size)
    if shorter <= stored_size:
        return image
    width, height = (max(1, round(side * stored_size / shorter)) for side in image.size)
    # The gap lets a cheap box filter go first where much is to be shrunk.
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encode(image: Image.Image, quality: int) -> bytes:
    image.info = {}  # Or Pillow would write comments and the resolution along.
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
