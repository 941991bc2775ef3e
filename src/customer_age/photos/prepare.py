"""One photo: decode it, check it, turn it upright, bring it to sRGB, shrink it, encode it.

Pillow decodes, since it knows phone photos best: EXIF turns, ICC profiles, CMYK, and JPEG's DCT
scaling, which decodes a large photo at 1/2, 1/4 or 1/8 of its size for a fraction of the time.
"""

import io
import os
from dataclasses import dataclass
from stat import S_ISREG

import numpy as np
from PIL import ExifTags, Image

from customer_age.schema.refusals import NO_FILE, PhotoRefused, Reason

from . import color

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""Pillow's names of what is accepted; the decoders of all other formats are never reached. What
phones call JPEG may open as `MPO`, a JPEG with further pictures behind it."""

MAX_FILE_BYTES = 100 * 2**20
MAX_PIXELS = 120_000_000
"""Of a photo as its header tells it. A progressive JPEG takes up to 6 bytes for each."""
MAX_DECODED_PIXELS = 40_000_000
"""Of what is decoded into memory, after JPEG's scaling; each takes up to 16 bytes on the way."""
MAX_SIDE = 65_500
"""Pixels; no JPEG can be longer."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Registers all of Pillow's formats now: it would do so at the first photo, in several threads.
Image.init()


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


def read(path: str) -> bytes:
    """Read a photo's file.

    Args:
        path: of a file, or its address in an object store.

    Raises:
        PhotoRefused: there is none, it cannot be read, or it is too large to be.
    """
    try:
        if "://" in path:
            from customer_age.components.photo_example_gen import (
                tfrecord_shards,  # brings Beam with it
            )

            return tfrecord_shards.read(path)
        status = os.stat(path)  # noqa: PTH116  not even opened: a pipe would wait for its writer
        if not S_ISREG(status.st_mode):
            raise PhotoRefused(Reason.FILE_UNREADABLE, "not a file")
        if status.st_size > MAX_FILE_BYTES:
            raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(status.st_size))
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except FileNotFoundError as error:
        raise PhotoRefused(Reason.FILE_MISSING, NO_FILE[Reason.FILE_MISSING]) from error
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        # A store's own words hold the address, and a photo's name may say who is on it.
        said = getattr(error, "strerror", None) or str(error).replace(path, "the photo")
        raise PhotoRefused(Reason.FILE_UNREADABLE, f"cannot be read: {said}") from error


def prepare(content: bytes, stored_size: int, min_size: int, jpeg_quality: int) -> Photo:
    """Turn a photo file into what is stored.

    Args:
        content: the file.
        stored_size: pixels; a longer shorter side is shrunk to this, a smaller photo stays.
        min_size: pixels; a photo whose shorter side is below this is refused.
        jpeg_quality: of the stored JPEG, 1 to 100.

    Raises:
        PhotoRefused: the photo cannot be used.
    """
    image = _open(content)
    mode, size = image.mode, image.size
    _check_size(*size, min_size)
    # At least twice the stored size: scaled decoding alone is no good shrinking filter.
    image.draft(None, (2 * stored_size, 2 * stored_size))
    _check_decoded_size(*image.size)
    try:
        image.load()
        if image.format == "TIFF":  # Pillow turned it while it was loaded.
            size = image.size
        turn = _orientation(image)
        stored = _stored_image(image, turn, stored_size)
    except Exception as error:  # Damaged files make decoders raise what they like.
        raise _damaged(content, error) from error
    width, height = reversed(size) if turn >= 5 else size
    luma = np.asarray(stored.convert("L"))
    return Photo(
        encoded=_encode(stored, jpeg_quality),
        format=image.format or "",
        mode=mode,
        width=width,
        height=height,
        byte_size=len(content),
        brightness=float(luma.mean()),
        sharpness=sharpness(luma),
    )


def sharpness(luma: np.ndarray) -> float:
    """The variance of the Laplacian, the focus measure of Pech-Pacheco et al. (ICPR 2000).

    Args:
        luma: uint8, (height, width).

    Returns:
        0 or more; 0 for a picture too small to have a second derivative.
    """
    if min(luma.shape) < 3:
        return 0.0
    grey = luma.astype(np.int16)  # Holds -4 * 255 to 4 * 255.
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    laplacian -= 4 * grey[1:-1, 1:-1]
    return float(laplacian.var())


def _open(content: bytes) -> Image.Image:
    if not content:
        raise PhotoRefused(Reason.FILE_EMPTY, "the file is empty")
    if len(content) > MAX_FILE_BYTES:
        raise PhotoRefused(Reason.FILE_TOO_LARGE, too_large(len(content)))
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise PhotoRefused(Reason.TOO_MANY_PIXELS, _in_one_line(error)) from error
    except Image.UnidentifiedImageError as error:
        if _is_cut(content):  # Pillow's own words would be an address in memory.
            raise PhotoRefused(
                Reason.TRUNCATED, "the file is cut off: its beginning is not whole"
            ) from error
        raise PhotoRefused(
            Reason.NOT_AN_IMAGE, f"not a photo in one of the formats {', '.join(FORMATS)}"
        ) from error
    except Exception as error:  # Damaged files make decoders raise what they like.
        raise _damaged(content, error) from error


def _damaged(content: bytes, error: Exception) -> PhotoRefused:
    text = _in_one_line(error)
    if _is_cut(content) or isinstance(error, EOFError) or "truncated" in text.lower():
        return PhotoRefused(Reason.TRUNCATED, f"the file is cut off: {text}")
    return PhotoRefused(Reason.DAMAGED, f"cannot be decoded: {text}")


def _is_cut(content: bytes) -> bool:
    """Whether a file lacks its end, as one does whose upload broke off."""
    if content.startswith(b"RIFF"):
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    ends = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG": b"IEND"}
    return any(content.startswith(start) and end not in content for start, end in ends.items())


def too_large(byte_size: int) -> str:
    """The sentence for a file that is not even read."""
    return f"{byte_size / 2**20:.0f} MiB, more than {MAX_FILE_BYTES / 2**20:.0f} MiB"


def _check_size(width: int, height: int, min_size: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{width}x{height} pixels: at most {MAX_PIXELS // 10**6} million are decoded, "
            f"and {MAX_SIDE} on a side",
        )
    if min(width, height) < min_size:
        raise PhotoRefused(
            Reason.TOO_SMALL, f"{width}x{height} pixels, less than {min_size} on the shorter side"
        )


def _check_decoded_size(width: int, height: int) -> None:
    if width * height > MAX_DECODED_PIXELS:
        raise PhotoRefused(
            Reason.TOO_MANY_PIXELS,
            f"{width}x{height} pixels: its format can only be decoded whole, and for that "
            f"{MAX_DECODED_PIXELS // 10**6} million are the limit",
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


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Broken EXIF says nothing about the picture beside it.
        return 1


def _encode(image: Image.Image, quality: int) -> bytes:
    image.info = {}  # Or Pillow would write comments and the resolution along.
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
