"""The appearance of a person at an age: the numbers that a portrait is drawn from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 255."""

HairStyle = Literal["short", "parted", "curly", "long", "bob", "bun", "curls"]

_SHORT_STYLES: tuple[HairStyle, ...] = ("short", "short", "parted", "curly")
_LONG_STYLES: tuple[HairStyle, ...] = ("long", "bob", "bun", "curls")

_SKIN_TONES: list[Colour] = [
    (255, 224, 198), (247, 206, 172), (235, 187, 148), (215, 161, 118),
    (189, 131, 90), (154, 101, 67), (120, 77, 51), (92, 59, 42),
]  # fmt: skip
_HAIR_COLOURS: list[Colour] = [
    (36, 30, 32), (62, 43, 34), (104, 68, 44), (136, 74, 42), (182, 92, 48), (220, 178, 108),
]  # fmt: skip
_GREY_HAIR: Colour = (188, 188, 192)
_WHITE_HAIR: Colour = (240, 239, 236)
_EYE_COLOURS: list[Colour] = [(70, 44, 28), (94, 62, 36), (104, 112, 60), (78, 122, 150)]
_CLOTHES: list[Colour] = [
    (66, 99, 142), (176, 74, 70), (84, 138, 108), (226, 180, 84), (122, 96, 148), (70, 74, 84),
    (216, 216, 210), (208, 134, 152), (60, 140, 152),
]  # fmt: skip
_BACKGROUNDS: list[Colour] = [
    (190, 214, 226), (226, 216, 198), (204, 222, 196), (232, 206, 200), (212, 206, 226),
    (150, 168, 182), (244, 240, 232), (180, 160, 140),
]  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """One person in one picture.

    Lengths are in head units: 1 is half the height of the head, (0, 0) its centre, y points down.
    Strengths run from 0 (none) to about 1.
    """

    # Proportions
    head_width: float
    widest: float  # y of the widest part: a baby's cheeks, an adult's temples
    jaw: float  # exponent of the outline's lower half: 2 is an ellipse, more is heavier
    eye_level: float
    eye_size: float
    eye_opening: float  # height over width
    nose: float
    lips: float
    mouth_width: float
    brow: float
    ear: float
    neck: float
    # Skin
    skin: Colour
    forehead_lines: float
    crows_feet: float
    folds: float
    eye_bags: float
    blush: float
    spots: int
    freckles: int
    # Hair
    hair: Colour
    brows: Colour
    hair_amount: float
    receding: float
    style: HairStyle
    beard: float
    # Features that depend little or not at all on age
    eyes: Colour
    glasses: bool
    smile: float
    open_mouth: bool
    clothes: Colour
    background: Colour


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return a mixture: `share` (clipped to 0..1) of the second colour, the rest of the first."""
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def shadow(skin: Colour) -> Colour:
    """Return the colour of shadows and creases on skin: darker and a little redder."""
    red, green, blue = skin
    return red * 0.66, green * 0.54, blue * 0.5


def imagine(age: float, rng: np.random.Generator) -> Appearance:
    """Sample a person of an age, in years, from the generator.

    Every feature uses its own age, near the true one, because some people have grey hair early and
    others late. So no single feature reveals the age. The number of random numbers does not depend
    on age, so that a state of the generator is one person who can be drawn at any age.
    """
    age = age * (1 + rng.normal(0, 0.05))

    def seen() -> float:
        return max(0.0, age + rng.normal(0, 0.6 + 0.08 * age))

    def grown(baby: float, adult: float, noise: float) -> float:
        return adult + (baby - adult) * float(np.exp(-seen() / 9)) + rng.normal(0, noise)

    def aged(start: float, end: float) -> float:
        return float(np.clip((seen() - start) / (end - start), 0, 1.15))

    tone = rng.uniform(0, len(_SKIN_TONES) - 1)
    skin = mix(_SKIN_TONES[int(tone)], _SKIN_TONES[int(tone) + 1], tone % 1)
    long_hair = rng.random() < 0.5
    natural = _HAIR_COLOURS[rng.integers(0, 2 if tone > 4.5 else 3 if tone > 3 else 6)]
    dyed = bool(rng.random() < (0.15 if long_hair else 0.04)) and age > 25
    grey = 0.0 if dyed else aged(34, 72)
    hair = _turn_grey(natural, grey)
    sag = aged(35, 85)
    bald_prone = 0.2 if long_hair else rng.choice([0.15, 0.7, 1.3])
    return Appearance(
        head_width=grown(0.97, 0.72, 0.02) + 0.03 * sag,
        widest=grown(0.34, -0.06, 0.03),
        jaw=grown(2.25, 2.0, 0.08) + 0.55 * sag,
        eye_level=grown(0.27, -0.02, 0.015),
        eye_size=grown(0.235, 0.15, 0.006),
        eye_opening=grown(0.95, 0.68, 0.03) - 0.22 * aged(35, 85),
        nose=grown(0.14, 0.36, 0.015) + 0.06 * aged(30, 85),
        lips=grown(0.6, 1.0, 0.08) - 0.55 * aged(30, 80),
        mouth_width=grown(0.2, 0.31, 0.015),
        brow=grown(0.35, 1.0, 0.12) * (0.8 if long_hair else 1.15),
        ear=grown(0.17, 0.19, 0.01) + 0.07 * aged(40, 85),
        neck=grown(0.3, 0.41, 0.025),
        skin=skin,
        forehead_lines=aged(24, 75),
        crows_feet=aged(26, 72),
        folds=aged(18, 70),
        eye_bags=aged(28, 78),
        blush=max(0.0, 0.75 - 0.75 * aged(-8, 40) + rng.normal(0, 0.08)),
        spots=round(aged(45, 85) * rng.uniform(4, 14)),
        freckles=int(rng.integers(8, 20)) if tone < 2.5 and rng.random() < 0.12 else 0,
        hair=hair,
        brows=_turn_grey(natural, 0.0 if dyed else 0.85 * aged(45, 85)),
        hair_amount=float(np.clip(grown(0.05, 1.0, 0.05) * 1.3, 0.12, 1)),
        receding=float(np.clip(bald_prone * aged(22, 68), 0, 1)),
        style=_hair_style(long_hair, age, rng),
        beard=_beard(long_hair, age, rng),
        eyes=_EYE_COLOURS[rng.integers(0, 2 if tone > 3 else 4)],
        glasses=bool(rng.random() < 0.04 + 0.4 * np.clip((age - 5) / 75, 0, 1)) and age > 3,
        smile=rng.uniform(0.35, 1.0),
        open_mouth=bool(rng.random() < 0.35) and age > 2,
        clothes=_jitter(_CLOTHES, 12, rng),
        background=_jitter(_BACKGROUNDS, 10, rng),
    )


def _turn_grey(natural: Colour, grey: float) -> Colour:
    """Return the hair colour: natural at 0, grey at about 0.6, white from 1."""
    return mix(mix(natural, _GREY_HAIR, grey / 0.6), _WHITE_HAIR, (grey - 0.55) / 0.5)


def _hair_style(long_hair: bool, age: float, rng: np.random.Generator) -> HairStyle:
    styles = _LONG_STYLES if long_hair else _SHORT_STYLES
    style = styles[rng.integers(len(styles))]
    return style if age > 2.5 else "short"


def _beard(long_hair: bool, age: float, rng: np.random.Generator) -> float:
    """Return 0 for no beard, 0.3 for stubble, 1 for a full beard."""
    chance, fullness = rng.random(), rng.choice([0.3, 1.0])
    return float(fullness) if not long_hair and age > 19 and chance < 0.35 else 0.0


def _jitter(colours: list[Colour], noise: float, rng: np.random.Generator) -> Colour:
    red, green, blue = colours[rng.integers(len(colours))] + rng.normal(0, noise, 3)
    return red, green, blue
