"""Draws the outline of a head, and the hair on it and around it.

Hair follows the outline: at each angle from the crown it extends out of the head and into the face.
Receding reduces both, first at the temples and the crown.
"""

import numpy as np

from .appearance import Appearance, HairStyle, mix
from .canvas import Canvas, Points, arc, mirrored, oval

_LENGTH = {"long": 1.7, "bob": 0.75, "curls": 1.15}
"""How far down long hair extends, in head units from the centre of the head."""

_THICKNESS: dict[HairStyle, float] = {
    "short": 0.09, "parted": 0.12, "curly": 0.17, "long": 0.1, "bob": 0.1, "bun": 0.1,
    "curls": 0.15,
}  # fmt: skip
"""Thickness of the hair, as a share of the distance from the centre of the head."""


def head_outline(person: Appearance) -> Points:
    """Return the outline of the head, as 80 points, clockwise from the crown."""
    return _outline(person, np.linspace(0, 2 * np.pi, 80, endpoint=False))


def _outline(person: Appearance, angle: np.ndarray) -> Points:
    """Return points of the outline: half an ellipse above the widest part, a superellipse below.

    Args:
        person: the person with the proportions.
        angle: radians; 0 is the crown, positive is right, pi is the chin.
    """
    x, up = np.sin(angle), np.cos(angle)
    jaw = 2 / person.jaw
    below = up < 0
    y = np.where(below, (1 - person.widest) * np.abs(up) ** jaw, -(1 + person.widest) * up)
    x = np.where(below, np.sign(x) * np.abs(x) ** jaw, x)
    return np.stack([person.head_width * x, person.widest + y], axis=1)


def back(canvas: Canvas, person: Appearance, rng: np.random.Generator) -> None:
    """Draw the hair behind the neck, and a bun."""
    dark, side = mix(person.hair, (40, 30, 40), 0.2), person.head_width
    askew, longer, wider = rng.normal(0, (0.1, 0.08, 0.03))
    if person.style == "bun":
        canvas.fill(oval(askew, -1.15, 0.3, 0.26), dark)
    elif person.style in _LENGTH:
        low = _LENGTH[person.style] + longer
        wide = side + 0.16 + wider
        right = arc((side * 0.4, -0.9), (wide + 0.25, -0.65), (wide + 0.02, low))
        canvas.fill(np.concatenate([right, mirrored(right)[::-1]]), dark)
        if person.style == "curls":
            for x, y in right[::2]:
                for centre in (x, -x):
                    canvas.fill(oval(centre, y, 0.16, 0.16), dark)
        canvas.fill(oval(0, low, wide + 0.02, 0.15), dark)


def front(canvas: Canvas, person: Appearance, rng: np.random.Generator) -> None:
    """Draw the hair on the head: from one ear over the crown to the other."""
    # A baby's hair covers only the top; later it extends down to the ears.
    amount, end = person.hair_amount, 1.0 + 0.75 * person.hair_amount
    angle = np.linspace(-end, end, 61)
    crown = np.cos(angle / end * 1.55) ** 0.6
    kept = 1 - person.receding * np.exp(-((angle / 1.05) ** 4))
    bays = np.exp(-(((np.abs(angle) - 0.62) / 0.3) ** 2))  # where the hair line recedes first
    temples = 1 - 0.75 * min(person.receding * 1.8, 1) * bays

    thickness = (_THICKNESS[person.style] + rng.normal(0, 0.015)) * amount
    outward = thickness * (0.35 + 0.65 * kept) * (0.6 + 0.4 * crown)
    parting = rng.choice([-1, 1]) * (0.35 if person.style in ("parted", "long") else 0.08)
    depth = (0.3 + rng.normal(0, 0.03)) * crown * (1 + parting * np.sin(1.6 * angle))
    inward = (0.1 * amount + depth) * kept * temples * (0.35 + 0.65 * amount)
    strands = rng.normal(0, 0.035, len(angle))
    if person.style in ("curly", "curls"):
        outward = outward + 0.03 * amount * kept * np.cos(angle * 18)
    else:
        inward = inward * (1 + strands)

    outline = _outline(person, angle)
    colour = mix(person.skin, person.hair, 0.25 + 0.75 * amount)
    outer, inner = outline * (1 + outward)[:, None], outline * (1 - inward)[:, None]
    canvas.fill(np.concatenate([outer, inner[::-1]]), colour)
    thick = float((outward + inward)[24:37].mean())
    if thick > 0.12:  # a highlight and a shadow that follow the hair
        for depth, tint, share in ((0.35, (255, 255, 255), 0.14), (0.75, (0, 0, 0), 0.12)):
            strand = (outer + depth * (inner - outer))[14:47]
            canvas.line(strand, 0.12 * thick, mix(colour, tint, share))


def beard(canvas: Canvas, person: Appearance) -> None:
    """Draw a beard or stubble around the jaw, and a moustache."""
    if not person.beard:
        return
    colour = mix(person.skin, mix(person.brows, person.hair, 0.6), 0.25 + 0.65 * person.beard)
    angle = np.linspace(1.75, 2 * np.pi - 1.75, 41)
    outer = _outline(person, angle) * (1 + 0.05 * person.beard)
    deep = 0.1 + 0.27 * np.sin((angle - 1.75) / (2 * np.pi - 3.5) * np.pi) ** 1.5
    inner = _outline(person, angle) * (1 - deep)[:, None]
    canvas.fill(np.concatenate([outer, inner[::-1]]), colour)
    lip = person.eye_level + person.nose + 0.13
    half = person.mouth_width
    canvas.line(arc((-half, lip + 0.1), (0, lip - 0.06), (half, lip + 0.1)), 0.08, colour)
