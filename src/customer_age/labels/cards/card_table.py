"""The table of loyalty-card photos: when each was taken, and which card the person showed.

Ages are computed from the month of birth in the card's profile. A card's number leaves `labels`
only as a keyed hash.
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
    """`photos.csv`: the time and the card of each photo, from which the holder's age is computed.

    Attributes:
        profiles: `date_of_birth` and `consent` of each card.
        max_profile_age_days: a profile is stale if its last update is more than this before the
            photo was taken; None for no limit.
        max_photos_per_card: None for no limit.
        latest_capture: the last day on which a photo can have been taken; see `arrival`.
    """

    profiles: Profiles
    max_profile_age_days: int | None
    max_photos_per_card: int | None
    latest_capture: date

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files of the rows; with the profiles' table if in the same folder."""
        profiles = self.profiles
        if isinstance(profiles, TableProfiles):
            table = profiles.table
            if table.folder.path("") == self.folder.path(""):
                return self.name, table.name
        return (self.name,)

    def descriptions(self) -> list[TableDescription]:
        """Describe how the tables are read; with the profiles' table, unless in a database."""
        profiles = self.profiles
        others = [profiles.table.describe()] if isinstance(profiles, TableProfiles) else []
        return [self.describe(), *others]

    def fingerprint(self) -> str:
        """Return a digest of the table and the profiles of its cards.

        Another customer's new profile does not change a batch's digest. A withdrawn consent changes
        the digest of each batch with the card. So does a change of the rows after `latest_capture`,
        because these rows are refused.
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
        """Read the rows, with a `real_age`, or with a `problem` (a `Reason`) and its `detail`.

        `captured` is the day on which the photo was taken, or empty.
        """
        profiles = self.profiles.of({row["person"] for _, row in self.raw_rows()})
        taken: Counter[str] = Counter()
        for line, row in self.raw_rows():
            if "problem" in row:  # its shape is wrong, so its values cannot be checked
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
        """Return a text without the card's number: files are often named after their card."""
        return without_card(text, person, stand_in)

    def _age(self, captured: date | None, profiles: list[Profile]) -> float:
        """Return the age in years, or refuse the photo for the first problem."""
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
                Reason.CAPTURE_UNKNOWN, "captured_at is not a time, such as 2026-02-28T10:15"
            )
        if born is None:
            raise PhotoRefused(
                Reason.BIRTH_UNKNOWN,
                "the profile's date_of_birth is not a date, such as 1990-02-28",
            )
        if captured > self.latest_capture:
            raise PhotoRefused(
                Reason.CAPTURED_IN_FUTURE,
                "captured_at is more than a day after the photos arrived (the time of _SUCCESS, or "
                "today if there is none)",
            )
        if born_after(born, captured):
            raise PhotoRefused(
                Reason.BORN_AFTER_CAPTURE, "the profile's date_of_birth is after the photo"
            )
        self._require_fresh(updated, captured)
        age = age_at(born, captured)
        if age > OLDEST:  # not a wrong age of the table, but a typing error of one person
            raise PhotoRefused(
                Reason.BORN_TOO_EARLY,
                f"the profile's date_of_birth is more than {OLDEST} years before the photo",
            )
        return age

    def _require_fresh(self, updated: date | None, captured: date) -> None:
        limit = self.max_profile_age_days
        # Compared with the day of the photo, not with today, so that the result does not change.
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
                f"the batch contains more than {limit} photos of this card "
                "(data.max_photos_per_card); the first ones are used",
            )
