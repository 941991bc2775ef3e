"""What is to be forgotten: the photos of a card, or those from before a day."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from customer_age.errors import SettingsError
from customer_age.labels import Forgotten, pseudonyms, tombstones

_SPAN = re.compile(r"(\d{1,5})([ymd])")


class Subject(Protocol):
    """What is to be forgotten."""

    @property
    def kind(self) -> str:
        """For the audit; says nothing of who it is."""

    @property
    def person(self) -> str:
        """The card's number; empty where no one person is meant."""

    def is_shown(self, person: str, captured: date | None) -> bool:
        """Whether a row of a table is about it.

        Args:
            person: in the table's words; a card's number.
            captured: when the photo was taken, or None where that is not known.
        """

    def forgotten(self) -> Forgotten:
        """The same for what holds hashes and dates: examples and their index."""

    def owns_profiles(self) -> bool:
        """Whether rows of a table of profiles are its own."""

    def write_tombstone(self, inbox: str) -> None:
        """See that no later batch brings it back."""


@dataclass(frozen=True)
class Card:
    """A person, by the number of the loyalty card.

    Attributes:
        number: as the tables have it; in no text of this object.
        key: of persons.
    """

    number: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def kind(self) -> str:
        """See `Subject`."""
        return "card"

    @property
    def person(self) -> str:
        """See `Subject`."""
        return self.number

    def is_shown(self, person: str, captured: date | None) -> bool:
        """See `Subject`."""
        del captured
        return person == self.number

    def forgotten(self) -> Forgotten:
        """See `Subject`."""
        person = pseudonyms.pseudonym(self.number, self.key)
        return Forgotten(frozenset([person]), key=pseudonyms.fingerprint(self.key))

    def owns_profiles(self) -> bool:
        """See `Subject`."""
        return True

    def write_tombstone(self, inbox: str) -> None:
        """See `Subject`."""
        person = pseudonyms.pseudonym(self.number, self.key)
        tombstones.write_person(inbox, person, self.key)


@dataclass(frozen=True)
class OlderThan:
    """All photos from before a day; those of unknown age stay."""

    day: date

    @property
    def kind(self) -> str:
        """See `Subject`."""
        return f"captured before {self.day.isoformat()}"

    @property
    def person(self) -> str:
        """See `Subject`."""
        return ""

    def is_shown(self, person: str, captured: date | None) -> bool:
        """See `Subject`."""
        del person
        return captured is not None and captured < self.day

    def forgotten(self) -> Forgotten:
        """See `Subject`."""
        return Forgotten(captured_before=self.day.isoformat())

    def owns_profiles(self) -> bool:
        """See `Subject`; a profile outlives a photo."""
        return False

    def write_tombstone(self, inbox: str) -> None:
        """See `Subject`."""
        tombstones.write_captured_before(inbox, self.day)


def day_before(span: str, today: date) -> date:
    """The day that lies a span before today.

    Args:
        span: such as `2y`, `18m` or `90d`.
        today: the day to count from.

    Raises:
        SettingsError: it is no span, or longer than there are years.
    """
    match = _SPAN.fullmatch(span.strip().lower())
    if match is None:
        raise SettingsError(f"--older-than {span}: write years, months or days: 2y, 18m or 90d")
    number, unit = int(match[1]), match[2]
    try:
        if unit == "d":
            return today - timedelta(days=number)
        months = today.year * 12 + today.month - 1 - number * (12 if unit == "y" else 1)
        return _in_month(months // 12, months % 12 + 1, today.day)
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"--older-than {span}: before the calendar begins") from error


def _in_month(year: int, month: int, day: int) -> date:
    """A day of a month; its last one where it has fewer."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), following - timedelta(days=1))
