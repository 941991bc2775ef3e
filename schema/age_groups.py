"""Age groups: whole-year bands that cover every age, such as `0-12`, `13-17`, `65+`."""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

OLDEST = 120
"""Years; the upper limit of all labels and age groups."""

_BAND = re.compile(r"(\d{1,3})-(\d{1,3})|(\d{1,3})\+")


@dataclass(frozen=True)
class AgeGroups:
    """Bands of whole years, both ends included, from 0 up, without a gap or an overlap.

    Attributes:
        names: as written in the settings, youngest first.
        firsts: the first year of each band.
    """

    names: tuple[str, ...]
    firsts: tuple[int, ...]

    def of(self, age: float) -> str:
        """Return the name of the band of an age.

        Args:
            age: years, 0 or more. Only full years count, so 12.9 belongs to `0-12`.

        Raises:
            ValueError: the age is negative or not a number.
        """
        if not age >= 0:
            raise ValueError(f"age {age:g} has no age group: ages start at 0")
        return self.names[bisect.bisect_right(self.firsts, min(age, OLDEST)) - 1]


def parse(names: Sequence[str]) -> AgeGroups:
    """Read age groups from their names, in any order.

    Args:
        names: such as `["0-12", "13-17", "18+"]`.

    Raises:
        ValueError: a name is not a valid band, or the bands leave a gap, overlap, or do not cover 0
            to `OLDEST` years.
    """
    if not names:
        raise ValueError('there are no age groups; set at least one, such as "0+"')
    bands = sorted((*_band(name), name.strip()) for name in names)
    following = 0
    for first, last, name in bands:
        if first > following:
            raise ValueError(f"age groups leave a gap: no group contains age {following}")
        if first < following:
            raise ValueError(f"age groups overlap: age {first} is in {name!r} and in another")
        following = last + 1
    if following <= OLDEST:
        raise ValueError(
            f'age groups end at {following - 1}: add an open last group, as in "{following}+"'
        )
    return AgeGroups(
        names=tuple(name for _, _, name in bands), firsts=tuple(first for first, _, _ in bands)
    )


def _band(name: str) -> tuple[int, int]:
    match = _BAND.fullmatch(name.strip()) if isinstance(name, str) else None
    if match is None:
        raise ValueError(f'{name!r} is not a valid age group: write, for example, "25-34" or "65+"')
    if match[3]:
        return int(match[3]), max(OLDEST, int(match[3]))
    first, last = int(match[1]), int(match[2])
    if first > last:
        raise ValueError(f"age group {name!r} ends before it starts")
    return first, last
