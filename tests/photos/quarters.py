"""A picture in which every orientation and every mix-up of colours is visible."""

import io

import numpy as np
from PIL import Image, ImageDraw

from customer_age.photos.prepare import Photo, prepare_photo
from customer_age.photos.spec import PhotoSpec

SEEN = {"red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def quarters(size=(160, 96)) -> Image.Image:
    """Four colours, one in each corner."""
    width, height = size
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), "red")
    draw.rectangle((width // 2, 0, width, height // 2 - 1), "green")
    draw.rectangle((0, height // 2, width // 2 - 1, height), "blue")
    return image


def encoded(image: Image.Image, format_name: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def prepare(content: bytes, stored_size=48, min_size=16) -> Photo:
    return prepare_photo(
        content, PhotoSpec(stored_size=stored_size, min_size=min_size, jpeg_quality=95)
    )


def stored(photo: Photo) -> Image.Image:
    image = Image.open(io.BytesIO(photo.encoded))
    assert (image.format, image.mode) == ("JPEG", "RGB")
    return image


def assert_quarters(image: Image.Image, tolerance=12):
    width, height = image.size
    for name, x, y in [("red", 1, 1), ("green", 3, 1), ("blue", 1, 3), ("white", 3, 3)]:
        pixel = image.getpixel((x * width // 4, y * height // 4))
        assert np.allclose(pixel, SEEN[name], atol=tolerance), (name, pixel)
