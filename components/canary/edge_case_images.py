"""Odd but valid images, such as people upload."""

import io

import numpy as np
from PIL import Image


def one_pixel() -> bytes:
    """A JPEG of 1x1 pixels."""
    return _encoded(_colours(1, 1), "JPEG")


def huge() -> bytes:
    """A JPEG of 4000x3000 pixels, as phones take them."""
    return _encoded(_colours(4000, 3000), "JPEG")


def grey() -> bytes:
    """A JPEG with one channel, upright."""
    return _encoded(_colours(150, 200).convert("L"), "JPEG")


def transparent_png() -> bytes:
    """A PNG with four channels, lying."""
    image = _colours(200, 150)
    image.putalpha(128)
    return _encoded(image, "PNG")


def _colours(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downwards."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, np.newaxis]
    return Image.fromarray(pixels)


def _encoded(image: Image.Image, file_format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format)
    return file.getvalue()
