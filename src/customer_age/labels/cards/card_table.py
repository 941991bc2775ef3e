"""Loyalty cards: a photo was taken when a card was shown, and the card's profile knows the birth.

Ages are counted from the month of birth, and a card's number leaves `labels` only as a keyed hash.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from customer_age.schema.age_groups import OLDEST
from customer_age.schema.refusals import PhotoRefused, Reason

from ..tables import LabelTable, TableDescription, digest_of
from .ages import age_at, born_after, day_of
from .card_numbers import without_card
from .profiles import Profile, Profiles, TableProfiles

_YES = {"1", "true", "yes", "y"}


@dataclass(frozen=True)
class LoyaltyCardTable(LabelTable):
    """`photos.csv`: which card was shown when, and so how old its holder was.

    Attributes:
        profiles: `date_of_birth` and `consent` of each card.
        max_profile_age_days: a profile that was not updated for longer when the photo was taken
            is stale; None for no limit.
        max_photos_per_card: None for no limit.
        latest_capture: the last day on which a photo can have been taken; see `arrival`.
    """

    profiles: Profiles
    max_profile_age_days: int | None
    max_photos_per_card: int | None
    latest_capture: date

    @property
    def files(self) -> tuple[str, ...]:
        """See `LabelTable`; with the profiles' table where that lies beside it."""
        profiles = self.profiles
        if isinstance(profiles, TableProfiles):
            table = profiles.table
            if table.folder.path("") == self.folder.path(""):
                return self.name, table.name
        return (self.name,)

    def descriptions(self) -> list[TableDescription]:
        """See `LabelTable`; with the profiles' table, unless they are in a database."""
        profiles = self.profiles
        beside = [profiles.table.describe()] if isinstance(profiles, TableProfiles) else []
        return [self.describe(), *beside]

    def fingerprint(self) -> str:
        """See `LabelTable`; of the profiles, only those of its cards count.

        So another customer's new profile changes no batch, and a consent that was withdrawn
        changes each one that holds the card. So do rows that are of a later day than
        `latest_capture`, as what is said of them changes with it.
        """
        cards, late = set(), []
        for line, row in self.raw_rows():
            cards.add(row["person"])
            captured = day_of(row["captured_at"])
            if captured is not None and captured > self.latest_capture:
                late.append(line)
        profiles = self.profiles.of(cards)
        of_its_cards = sorted(
            (card, sorted(sorted(profile.items()) for profile in of_card))
            for card, of_card in profiles.items()
        )
        limits = self.max_profile_age_days, self.max_photos_per_card
        parts = [super().fingerprint(), repr(of_its_cards), repr(limits)]
        return digest_of(*parts, repr(late)) if late else digest_of(*parts)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """See `LabelTable`; with a `real_age`, or with a `problem` (a `Reason`) in a sentence.

        `captured` is the day on which the photo was taken, or empty.
        """
        profiles = self.profiles.of({row["person"] for _, row in self.raw_rows()})
        taken: Counter[str] = Counter()
        for line, row in self.raw_rows():
            if "problem" in row:  # of its shape: nothing of it can be judged
                yield line, {**row, "real_age": "", "captured": ""}
                continue
            captured = day_of(row["captured_at"])
            try:
                age = self._age(captured, profiles.get(row["person"], []))
                taken[row["person"]] += 1
                self._require_few(taken[row["person"]])
            except PhotoRefused as refused:
                result = {"real_age": "", "problem": refused.reason, "detail": refused.detail}
            else:
                result = {"real_age": f"{age:.4f}"}
            yield line, {**row, **result, "captured": captured.isoformat() if captured else ""}

    def shown(self, text: str, person: str, stand_in: str) -> str:
        """See `LabelTable`: a file is often named after its card."""
        return without_card(text, person, stand_in)

    def _age(self, captured: date | None, profiles: list[Profile]) -> float:
        """Count the age in years, or refuse the photo with the first thing that is wrong."""
        if not profiles:
            raise PhotoRefused(Reason.CARD_UNKNOWN, "the card has no profile")
        profile, *others = profiles
        if others:
            raise PhotoRefused(
                Reason.CARD_AMBIGUOUS, "the card has several profiles, which contradict each other"
            )
        if profile["consent"].lower() not in _YES:
            raise PhotoRefused(Reason.NO_CONSENT, "the card's holder has not consented")
        born, updated = day_of(profile["date_of_birth"]), day_of(profile["updated_at"])
        if captured is None:
            raise PhotoRefused(
                Reason.CAPTURE_UNKNOWN, "captured_at is not a time such as 2026-02-28T10:15"
            )
        if born is None:
            raise PhotoRefused(
                Reason.BIRTH_UNKNOWN, "the profile's date_of_birth is not a date such as 1990-02-28"
            )
        if captured > self.latest_capture:
            raise PhotoRefused(
                Reason.CAPTURED_IN_FUTURE,
                "captured_at is more than a day after the photos came (the time of _SUCCESS, or "
                "today where there is none)",
            )
        if born_after(born, captured):
            raise PhotoRefused(
                Reason.BORN_AFTER_CAPTURE, "the profile's date_of_birth is after the photo"
            )
        self._require_fresh(updated, captured)
        age = age_at(born, captured)
        if age > OLDEST:  # not counted as a wrong age of the table: it is one person's slip
            raise PhotoRefused(
                Reason.BORN_TOO_EARLY,
                f"the profile's date_of_birth is more than {OLDEST} years before the photo",
            )
        return age

    def _require_fresh(self, updated: date | None, captured: date) -> None:
        limit = self.max_profile_age_days
        # Counted to the photo, not to today: so the answer stays what it was.
        if limit is not None and updated is not None and (captured - updated).days > limit:
            raise PhotoRefused(
                Reason.PROFILE_STALE,
                f"the profile was not updated in the {limit} days before the photo "
                "(data.max_profile_age_days)",
            )

    def _require_few(self, taken: int) -> None:
        limit = self.max_photos_per_card
        if limit is not None and taken > limit:
            raise PhotoRefused(
                Reason.TOO_MANY_OF_CARD,
                f"the batch holds more than {limit} photos of this card "
                "(data.max_photos_per_card); the first ones are taken",
            )
