"""Draws a person: shapes from back to front, then light and camera noise."""

import numpy as np
from PIL import Image

from . import facial_features, hair
from .appearance import Appearance, imagine, mix, shadow
from .canvas import Canvas, arc, mirrored, oval


def draw_face(age: float, rng: np.random.Generator, size: int) -> Image.Image:
    """Draw a portrait of an invented person.

    Args:
        age: age in years; the appearance changes smoothly with it.
        rng: source of all random values; the same state gives the same person.
        size: width and height of the picture in pixels.

    Returns:
        An RGB picture.
    """
    person = imagine(age, rng)
    centre = (0.5 + rng.normal(0, 0.02), 0.5 + rng.normal(0, 0.015))
    scale, tilt = 0.335 * rng.uniform(0.93, 1.07), rng.normal(0, 0.06)
    canvas = Canvas(size, person.background, centre, scale, tilt)
    _backdrop(canvas, person, rng)
    hair.back(canvas, person, rng)
    _body(canvas, person)
    _head(canvas, person)
    facial_features.skin_marks(canvas, person, rng)
    facial_features.wrinkles(canvas, person)
    facial_features.nose(canvas, person)
    hair.beard(canvas, person)
    facial_features.mouth(canvas, person)
    facial_features.eyes(canvas, person)
    hair.front(canvas, person, rng)
    facial_features.glasses(canvas, person, rng)
    return _photographed(canvas.finished(), rng)


def _backdrop(canvas: Canvas, person: Appearance, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(0, 4)):
        x, y = rng.uniform(-1.6, 1.6, 2)
        light = mix(person.background, (255, 255, 255), rng.uniform(0, 0.3))
        canvas.fill(oval(x, y, *rng.uniform(0.3, 1.2, 2)), light)


def _body(canvas: Canvas, person: Appearance) -> None:
    neck, top, wide = person.neck, 1.18, 0.6 + 1.6 * person.neck
    shoulder = arc((neck, top), (wide + 0.05, top + 0.1), (wide + 0.25, 2.6))
    canvas.fill(np.concatenate([mirrored(shoulder)[::-1], shoulder]), person.clothes)
    throat = np.array([(-neck, 0.5), (neck, 0.5), (neck, top), (-neck, top)])
    for points in (throat, oval(0, top, neck * 0.98, 0.22)):
        canvas.fill(points, mix(person.skin, shadow(person.skin), 0.45))
    collar = arc((-neck * 1.1, top), (0, top + 0.5), (neck * 1.1, top))
    canvas.line(collar, 0.07, mix(person.clothes, (0, 0, 0), 0.2))


def _head(canvas: Canvas, person: Appearance) -> None:
    side, level = person.head_width, person.eye_level + 0.16
    for x, width, height, depth in ((0.97, 0.62, 1.0, 0.12), (1.0, 0.32, 0.6, 0.4)):
        ear = oval(side * x, level, person.ear * width, person.ear * height)
        for points in (ear, mirrored(ear)):
            canvas.fill(points, mix(person.skin, shadow(person.skin), depth))
    canvas.fill(hair.head_outline(person), person.skin)


def _photographed(picture: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Add light from one side, exposure, white balance and sensor noise.

    Args:
        picture: float64, (size, size, 3), 0 to 255.
        rng: source of the light's direction and the noise.
    """
    size = len(picture)
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    direction = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.03, 0.16) * (across * np.cos(direction) + down * np.sin(direction))
    vignette = 1.02 - rng.uniform(0, 0.12) * (across**2 + down**2)
    exposure = rng.uniform(0.82, 1.03)
    white_balance = 1 + rng.normal(0, 0.025, 3)
    lit = picture * ((1 + slope) * vignette * exposure)[..., None] * white_balance
    noisy = lit + rng.normal(0, rng.uniform(1, 4), picture.shape)
    return Image.fromarray(noisy.clip(0, 255).round().astype(np.uint8))
