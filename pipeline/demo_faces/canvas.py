"""A canvas in head units: smooth shapes on a head that may be moved, scaled and tilted."""

import numpy as np
from PIL import Image, ImageDraw

from .appearance import Colour, mix

Points = np.ndarray
"""float64, (points, 2): x to the right and y down, in head units."""

OVERSAMPLING = 4
"""Shapes are drawn this many times larger than the picture, then reduced, for smooth edges."""


def oval(x: float, y: float, half_width: float, half_height: float) -> Points:
    """Return the outline of an ellipse, as 40 points."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=1)


def arc(start: tuple[float, float], bend: tuple[float, float], end: tuple[float, float]) -> Points:
    """Return a quadratic Bezier curve from start to end, pulled towards bend, as 12 points."""
    t = np.linspace(0, 1, 12)[:, None]
    return (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(bend) + t**2 * np.array(end)


def mirrored(points: Points) -> Points:
    """Return the same shape on the other side of the face."""
    return points * (-1, 1)


def lowered(points: Points, by: float) -> Points:
    """Return the same shape, lower down."""
    return points + np.array([0, by])


class Canvas:
    """A square picture with the position of a head in it.

    Args:
        size: width and height of the finished picture, in pixels.
        background: the background colour.
        centre: the position of the head's centre, as shares of the picture.
        scale: a head unit as a share of the picture.
        tilt: rotation of the head in radians, clockwise.
    """

    def __init__(
        self,
        size: int,
        background: Colour,
        centre: tuple[float, float],
        scale: float,
        tilt: float,
    ) -> None:
        side = size * OVERSAMPLING
        self.image = Image.new("RGB", (side, side), _whole(background))
        self._draw = ImageDraw.Draw(self.image)
        self._unit = scale * side
        self._centre = np.array(centre) * side
        self._turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill the shape that the points enclose."""
        self._draw.polygon(self._pixels(points), fill=_whole(colour))

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """Draw a line through the points, with round ends; its width is in head units."""
        pixels = self._pixels(points)
        thickness = max(1, round(width * self._unit))
        self._draw.line(pixels, fill=_whole(colour), width=thickness, joint="curve")
        for x, y in (pixels[0], pixels[-1]):
            half = thickness / 2 - 0.5
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=_whole(colour))

    def glow(self, points: Points, under: Colour, colour: Colour, strength: float) -> None:
        """Draw a soft-edged spot of a colour on a plain area of the colour `under`."""
        middle = points.mean(axis=0)
        for step in np.linspace(1, 0.3, 5):
            share = strength * float(1.3 - step)
            self.fill(middle + (points - middle) * step, mix(under, colour, share))

    def finished(self) -> np.ndarray:
        """Return the picture in its final size: float64, (size, size, 3), 0 to 255."""
        return np.asarray(self.image.reduce(OVERSAMPLING), dtype=np.float64)

    def _pixels(self, points: Points) -> list[tuple[float, float]]:
        placed = (points @ self._turn) * self._unit + self._centre
        return [(x, y) for x, y in placed.tolist()]


def _whole(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (min(max(round(value), 0), 255) for value in colour)
    return red, green, blue
