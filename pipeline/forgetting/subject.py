"""The subjects that can be forgotten: the photos of a card, or those from before a day."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from customer_age.errors import SettingsError
from customer_age.labels import Forgotten, pseudonyms, tombstones

_SPAN = re.compile(r"(\d{1,5})([ymd])")


class Subject(Protocol):
    """A subject to forget."""

    @property
    def kind(self) -> str:
        """The kind of subject for the audit; it does not identify the person."""

    @property
    def person(self) -> str:
        """The card's number; empty if the subject is not one person."""

    def is_shown(self, person: str, captured: date | None) -> bool:
        """Return whether a row of a table is about the subject.

        Args:
            person: the card's number, as in the table.
            captured: when the photo was taken, or None if unknown.
        """

    def forgotten(self) -> Forgotten:
        """Return the subject as hashes and dates, as examples and their index contain them."""

    def owns_profiles(self) -> bool:
        """Return whether rows of a table of profiles belong to the subject."""

    def write_tombstone(self, inbox: str) -> None:
        """Write a tombstone, so that no later batch adds the subject again."""


@dataclass(frozen=True)
class Card:
    """A person, by the number of the loyalty card.

    Attributes:
        number: the card's number as in the tables; hidden in this object's repr.
        key: the persons' key; hidden in this object's repr.
    """

    number: str = field(repr=False)
    key: str = field(repr=False)

    @property
    def kind(self) -> str:
        """The kind of subject for the audit."""
        return "card"

    @property
    def person(self) -> str:
        """The card's number."""
        return self.number

    def is_shown(self, person: str, captured: date | None) -> bool:
        """Return whether a row has the card's number."""
        del captured
        return person == self.number

    def forgotten(self) -> Forgotten:
        """Return the person's pseudonym."""
        person = pseudonyms.pseudonym(self.number, self.key)
        return Forgotten(frozenset([person]), key=pseudonyms.fingerprint(self.key))

    def owns_profiles(self) -> bool:
        """Return True: the card's profile belongs to the person."""
        return True

    def write_tombstone(self, inbox: str) -> None:
        """Write the person's tombstone."""
        person = pseudonyms.pseudonym(self.number, self.key)
        tombstones.write_person(inbox, person, self.key)


@dataclass(frozen=True)
class OlderThan:
    """All photos from before a day; photos without a date stay."""

    day: date

    @property
    def kind(self) -> str:
        """The kind of subject for the audit, with the day."""
        return f"captured before {self.day.isoformat()}"

    @property
    def person(self) -> str:
        """An empty text, as the subject is not one person."""
        return ""

    def is_shown(self, person: str, captured: date | None) -> bool:
        """Return whether a row's photo was taken before the day."""
        del person
        return captured is not None and captured < self.day

    def forgotten(self) -> Forgotten:
        """Return the day."""
        return Forgotten(captured_before=self.day.isoformat())

    def owns_profiles(self) -> bool:
        """Return False: a profile is kept longer than a photo."""
        return False

    def write_tombstone(self, inbox: str) -> None:
        """Write the day's tombstone."""
        tombstones.write_captured_before(inbox, self.day)


def day_before(span: str, today: date) -> date:
    """Return the day that is a span before today.

    Args:
        span: years, months or days, such as `2y`, `18m` or `90d`.
        today: the day to count from.

    Raises:
        SettingsError: the span is not valid, or reaches back before the year 1.
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
    """Return a day of a month, or the month's last day if it has fewer days."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day - 1), following - timedelta(days=1))
