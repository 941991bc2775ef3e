"""Loyalty cards: a photo was taken when a card was shown, and the card's profile knows the birth.

The date of birth is gone once the age is counted, and a card's number leaves `sources` only as a
keyed hash.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from customer_age.components.photo_example_gen.refusals import PhotoRefused, Reason
from customer_age.components.photo_example_gen.tables import LabelTable

_YES = {"1", "true", "yes", "y"}


@dataclass(frozen=True)
class LoyaltyCardTable(LabelTable):
    """`photos.csv`: which card was shown when, and so how old its holder was.

    Attributes:
        cards: the profiles: `person`, `date_of_birth` and `consent` of each card.
    """

    cards: LabelTable

    @property
    def files(self) -> tuple[str, ...]:
        """See `LabelTable`."""
        return self.name, self.cards.name

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """See `LabelTable`; with a `real_age`, or with a `problem` (a `Reason`) in a sentence."""
        profiles = self._profiles()
        latest = datetime.now(timezone.utc).date() + timedelta(days=1)  # it is later in the east
        for line, row in super().rows():
            try:
                age = _age(row["captured_at"], profiles.get(row["person"], []), latest)
            except PhotoRefused as refused:
                told = {"real_age": "", "problem": refused.reason, "detail": refused.detail}
            else:
                told = {"real_age": f"{age:.4f}"}
            yield line, {**row, **told}

    def _profiles(self) -> dict[str, list[dict[str, str]]]:
        """A card's profiles: none, one, or several that contradict each other."""
        profiles: dict[str, list[dict[str, str]]] = defaultdict(list)
        for _, row in self.cards.rows():
            if row not in profiles[row["person"]]:
                profiles[row["person"]].append(row)
        return profiles


def age_at(born: date, captured: date) -> float:
    """Count an age in years: birthdays, and the share of the current year of life.

    Args:
        born: the date of birth; who was born on 29 February has the birthday on 1 March in years
            without that day.
        captured: not before it.
    """
    years = captured.year - born.year
    if _birthday(born, captured.year) > captured:
        years -= 1
    last, following = (_birthday(born, born.year + years + more) for more in (0, 1))
    return years + (captured - last).days / (following - last).days


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _age(captured_at: str, profiles: list[dict[str, str]], latest: date) -> float:
    if not profiles:
        raise PhotoRefused(Reason.CARD_UNKNOWN, "the card has no profile")
    profile, *others = profiles
    if others:
        raise PhotoRefused(
            Reason.CARD_AMBIGUOUS, "the card has several profiles, which contradict each other"
        )
    if profile["consent"].lower() not in _YES:
        raise PhotoRefused(Reason.NO_CONSENT, "the card's holder has not consented")
    captured, born = _date(captured_at), _date(profile["date_of_birth"])
    if captured is None:
        raise PhotoRefused(
            Reason.CAPTURE_UNKNOWN, "captured_at is no time, such as 2026-02-28T10:15"
        )
    if born is None:
        raise PhotoRefused(
            Reason.BIRTH_UNKNOWN, "the profile's date_of_birth is no date, such as 1990-02-28"
        )
    if captured > latest:
        raise PhotoRefused(Reason.CAPTURED_IN_FUTURE, "captured_at is in the future")
    if born > captured:
        raise PhotoRefused(
            Reason.BORN_AFTER_CAPTURE, "the profile's date_of_birth is after the photo"
        )
    return age_at(born, captured)


def _date(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
