"""The one split of each person of the base set; without Beam, because `check-data` uses it."""

from collections.abc import Iterable

from customer_age.schema.features import SPLITS


def home_splits(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Choose one split for each person.

    If a person is in several official splits, `test` wins, then `valid`: the photos that measure
    models stay the same, and training does not use them.

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
    """Describe why a photo in another split is left out."""
    return f"the person is also in the official split {home}"
