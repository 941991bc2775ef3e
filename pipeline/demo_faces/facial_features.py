"""Draws the features of a face: skin marks, wrinkles, nose, mouth, eyes and glasses."""

import numpy as np

from .appearance import Appearance, Colour, mix, shadow
from .canvas import Canvas, Points, arc, lowered, mirrored, oval

_WHITE: Colour = (255, 255, 255)
_RED: Colour = (196, 62, 62)
_FRAMES: list[Colour] = [(40, 38, 42), (110, 70, 44), (150, 150, 156), (140, 50, 60)]


def _eye_distance(person: Appearance) -> float:
    """Return the distance of the eyes from the centre."""
    return 0.45 * person.head_width


def _mouth_level(person: Appearance) -> float:
    nose = person.eye_level + person.nose
    return nose + (1 - nose) * 0.42


def skin_marks(canvas: Canvas, person: Appearance, rng: np.random.Generator) -> None:
    """Draw red cheeks, age spots anywhere on the face, and freckles around the nose."""
    cheek = oval(person.head_width * 0.58, person.eye_level + 0.4, 0.25, 0.19)
    for points in (cheek, mirrored(cheek)):
        canvas.glow(points, person.skin, mix(person.skin, (232, 80, 80), 0.6), person.blush)
    dark = mix(person.skin, shadow(person.skin), 0.45)
    # Sample all marks, also those that this age does not show: see `imagine`.
    spots = rng.uniform((0, 0.45, 0.027), (2 * np.pi, 0.87, 0.06), (20, 3))
    freckles = rng.uniform((-0.5, 0.2), (0.5, 0.42), (20, 2))
    for angle, far, radius in spots[: person.spots]:
        x, y = far * person.head_width * np.cos(angle), far * np.sin(angle)
        canvas.fill(oval(x, y, radius * 1.2, radius), dark)
    for x, y in freckles[: person.freckles]:
        canvas.fill(oval(x, person.eye_level + y, 0.022, 0.018), dark)


def wrinkles(canvas: Canvas, person: Appearance) -> None:
    """Draw forehead lines, and on both sides crow's feet, folds of nose and mouth, and eye bags."""
    eye, x_eye, size = person.eye_level, _eye_distance(person), person.eye_size
    for row in range(3):
        y, half = eye - 0.42 - 0.13 * row, 0.42 - 0.05 * row
        line = arc((-half, y), (0, y - 0.06), (half, y))
        _crease(canvas, person, line, person.forehead_lines * 1.5 - 0.3 * row)
    x_foot = x_eye + size * 1.2
    feet = [
        np.array([(x_foot, eye + 0.05 * spread), (x_foot + 0.13, eye + 0.26 * spread)])
        for spread in (-0.5, 0.0, 0.5)
    ]
    nostril, mouth = eye + person.nose, _mouth_level(person)
    x_mouth = person.mouth_width + 0.1
    fold = arc((0.15, nostril), (x_mouth, nostril + 0.08), (x_mouth, mouth + 0.02))
    corner = (x_mouth - 0.06, mouth + 0.06)
    chin = arc(corner, (x_mouth, mouth + 0.02), (x_mouth - 0.05, min(mouth + 0.24, 0.9)))
    low = eye + size * person.eye_opening
    bag = arc((x_eye - size, low + 0.02), (x_eye, low + 0.17), (x_eye + size, low + 0.02))
    for points, strength in (
        *((foot, person.crows_feet) for foot in feet),
        (fold, person.folds),
        (chin, person.folds - 0.6),
        (bag, person.eye_bags * 0.9),
    ):
        _crease(canvas, person, points, strength)
        _crease(canvas, person, mirrored(points), strength)


def _crease(canvas: Canvas, person: Appearance, points: Points, strength: float) -> None:
    if strength > 0.02:
        colour = mix(person.skin, shadow(person.skin), 0.15 + 0.75 * strength)
        canvas.line(points, 0.018 + 0.03 * strength, colour)


def nose(canvas: Canvas, person: Appearance) -> None:
    """Draw the tip from below, and one side of the bridge."""
    tip, half, dark = person.eye_level + person.nose, 0.07 + 0.2 * person.nose, shadow(person.skin)
    below = arc((-half, tip - 0.03), (0, tip + 0.11), (half, tip - 0.03))
    canvas.line(below, 0.045, mix(person.skin, dark, 0.75))
    bridge = arc((0.05, person.eye_level + 0.05), (0.04, tip - 0.15), (half * 0.9, tip - 0.07))
    canvas.line(bridge, 0.035, mix(person.skin, dark, 0.35))


def mouth(canvas: Canvas, person: Appearance) -> None:
    """Draw a smile, closed or with teeth."""
    half, bend = person.mouth_width, 0.06 + 0.14 * person.smile
    y = _mouth_level(person) - bend / 2
    lip = mix(mix(person.skin, _RED, 0.5), shadow(person.skin), 0.25)
    thick = 0.03 + 0.045 * max(person.lips, 0.1)
    lower = arc((half, y), (0, y + bend * 2.1), (-half, y))
    if not person.open_mouth:
        canvas.line(lowered(lower, thick * 0.4), thick, lip)
        canvas.line(lower, 0.025, mix(lip, (60, 10, 10), 0.5))
        return
    upper = arc((-half, y), (0, y + bend / 2), (half, y))
    canvas.fill(np.concatenate([upper, lowered(lower, 0.03)]), (118, 44, 48))
    inside = 0.85 * half
    gums = arc((-inside, y + 0.01), (0, y + 0.01 + bend / 2), (inside, y + 0.01))
    teeth = arc((inside, y + 0.02), (0, y + bend * 1.4), (-inside, y + 0.02))
    canvas.fill(np.concatenate([gums, teeth]), (250, 246, 240))
    canvas.line(lowered(lower, 0.03), thick, lip)
    canvas.line(upper, thick * 0.7, lip)


def eyes(canvas: Canvas, person: Appearance) -> None:
    """Draw both eyes with lids and brows; the light comes from the same side in both."""
    x, y = _eye_distance(person), person.eye_level
    size, high = person.eye_size, person.eye_size * person.eye_opening
    iris = min(size * 0.62, high * 0.95)
    upper = arc((x - size, y + 0.02), (x, y - 2 * high), (x + size, y))
    lower = arc((x + size, y), (x, y + 1.6 * high), (x - size, y + 0.02))
    y_brow = y - high - 0.16
    brow = arc(
        (x - size * 1.15, y_brow + 0.04), (x, y_brow - 0.09), (x + size * 1.25, y_brow + 0.05)
    )
    lid = mix(shadow(person.skin), (40, 24, 20), 0.6)
    brow_colour = mix(person.skin, person.brows, 0.3 + 0.6 * person.brow)
    for side in (1, -1):
        canvas.fill(np.concatenate([upper, lower]) * (side, 1), (250, 248, 246))
        canvas.fill(oval(x * side, y - 0.01, iris, iris), person.eyes)
        canvas.fill(oval(x * side, y - 0.01, iris * 0.5, iris * 0.5), (20, 14, 14))
        canvas.fill(oval(x * side + iris * 0.35, y - iris * 0.4, iris * 0.25, iris * 0.25), _WHITE)
        canvas.line(upper * (side, 1), 0.04, lid)
        canvas.line(brow * (side, 1), 0.03 + 0.05 * max(person.brow, 0), brow_colour)


def glasses(canvas: Canvas, person: Appearance, rng: np.random.Generator) -> None:
    """Draw round glasses if the person wears them."""
    frame, roundness = _FRAMES[rng.integers(len(_FRAMES))], rng.uniform(0.8, 1)
    if not person.glasses:
        return
    x, y, half = _eye_distance(person), person.eye_level + 0.03, person.eye_size * 1.45
    rim = oval(x, y, half, half * roundness)
    rim = np.concatenate([rim, rim[:1]])
    temple = np.array([(x + half, y - 0.03), (0.95 * person.head_width, y - 0.05)])
    bridge = arc((half - x, y), (0, y - 0.08), (x - half, y))
    for points in (rim, mirrored(rim), temple, mirrored(temple), bridge):
        canvas.line(points, 0.04, frame)
