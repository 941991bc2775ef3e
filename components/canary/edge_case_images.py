"""Unusual but valid images, such as people upload, and some that TensorFlow cannot decode."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image

_TURNED_BY = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF orientation, and how the pixels of an upright photo are stored in such a file."""


def square(side: int) -> Iterator[bytes]:
    """Return one JPEG with a side in pixels."""
    yield _encoded(_colours(side, side), "JPEG")


def huge() -> Iterator[bytes]:
    """Return one JPEG of 4000x3000 pixels, the size of a phone's photos."""
    yield _encoded(_colours(4000, 3000), "JPEG")


def landscape(photo: bytes, min_size: int) -> Image.Image:
    """Return a photo cropped to three quarters of its height, mode RGB.

    Args:
        photo: a file.
        min_size: pixels; a smaller photo is enlarged so far.
    """
    image = _opened(photo)
    cropped = image.crop((0, 0, image.width, max(1, image.height * 3 // 4)))
    return _with_shorter_side(cropped, max(min_size, min(cropped.size)))


def portrait(photo: bytes, min_size: int) -> Image.Image:
    """Return a photo cropped to three quarters of its width, as `landscape` does."""
    image = _opened(photo)
    cropped = image.crop((0, 0, max(1, image.width * 3 // 4), image.height))
    return _with_shorter_side(cropped, max(min_size, min(cropped.size)))


def large(image: Image.Image) -> Iterator[bytes]:
    """Return an image enlarged, in the two formats whose large photos are shrunk differently."""
    enlarged = _with_shorter_side(image, 1500)
    yield _encoded(enlarged, "JPEG")
    yield _encoded(enlarged, "PNG", compress_level=1)


def turned(image: Image.Image, file_format: str = "JPEG") -> Iterator[bytes]:
    """Return files of one image with the eight EXIF orientations."""
    for orientation, turn in _TURNED_BY.items():
        exif = Image.Exif()
        exif[ExifTags.Base.Make] = "a phone"
        exif[ExifTags.Base.Orientation] = orientation
        stored = image if turn is None else image.transpose(turn)
        yield _encoded(stored, file_format, exif=exif)


def coloured(image: Image.Image) -> Iterator[bytes]:
    """Return one image in each file format that keeps its colours, and half of it transparent."""
    yield _encoded(image.convert("RGBA"), "PNG")
    yield _encoded(_half_transparent(image), "PNG")
    yield _encoded(image, "BMP")
    yield _encoded(image, "JPEG")
    yield _encoded(image.convert("CMYK"), "JPEG")
    yield _encoded(image, "JPEG", progressive=True)


def few_colours(image: Image.Image) -> Iterator[bytes]:
    """Return an image of 64 colours in file formats with a palette."""
    palette = image.quantize(64)
    yield _encoded(palette, "PNG")
    yield _encoded(palette, "GIF")


def grey(image: Image.Image) -> Iterator[bytes]:
    """Return a grey image, with 8 bits and with 16 bits per pixel."""
    one_channel = image.convert("L")
    yield _encoded(one_channel, "PNG")
    yield _encoded(Image.fromarray(np.asarray(one_channel, np.uint16) * 257), "PNG")
    yield _encoded(one_channel, "JPEG")


def unusable(image: Image.Image, min_size: int) -> Iterator[bytes]:
    """Return files that a TensorFlow graph cannot decode, or must not decode.

    Args:
        image: a picture.
        min_size: pixels; a photo with a shorter side is refused.
    """
    whole = _encoded(image, "JPEG")
    yield b""
    yield b"not a photo"
    yield whole[: len(whole) // 2]
    yield whole[:20]
    yield _encoded(image, "WEBP")
    yield _encoded(image, "TIFF")
    yield _encoded(image.quantize(64), "BMP")
    yield b"\0\0\0\x18ftypheic" + bytes(64)
    yield _bomb()
    if min_size > 1:
        yield from square(min_size - 1)


def _half_transparent(image: Image.Image) -> Image.Image:
    alpha = Image.new("L", image.size, 255)
    alpha.paste(60, (0, 0, image.width // 2, image.height))
    transparent = image.copy()
    transparent.putalpha(alpha)
    return transparent


def _bomb() -> bytes:
    """Return a PNG whose header claims 30,000 x 30,000 pixels."""
    small = _encoded(Image.new("L", (8, 8)), "PNG")
    return small[:16] + (30_000).to_bytes(4, "big") * 2 + small[24:]


def _with_shorter_side(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)))


def _opened(photo: bytes) -> Image.Image:
    return Image.open(io.BytesIO(photo)).convert("RGB")


def _colours(width: int, height: int) -> Image.Image:
    """Return an image whose red increases to the right, and whose green increases downwards."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, np.newaxis]
    return Image.fromarray(pixels)


def _encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    if file_format == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()
