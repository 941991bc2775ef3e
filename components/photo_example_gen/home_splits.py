"""The one split of each person of the base set; without Beam, as `check-data` asks too."""

from collections.abc import Iterable

from customer_age.schema.features import SPLITS


def home_splits(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Choose among the splits in which a person stands.

    Of official ones that contradict each other, `test` wins, then `valid`: what a model is measured
    on stays what it is, and training has not seen it.

    Args:
        rows: the person of each photo of the base set, or an empty text, and its split.

    Returns:
        Person to split.
    """
    home: dict[str, str] = {}
    for person, split in rows:
        if person:
            home[person] = max(home.get(person, split), split, key=SPLITS.index)
    return home


def elsewhere(home: str) -> str:
    """Why a photo is left out that stands in another split, in a sentence."""
    return f"the person also stands in the official split {home}"
