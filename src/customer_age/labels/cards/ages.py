"""Dates to ages.

A date of birth is known by its month alone: together with the days on which photos were taken, ages
to the day would give the exact date away.
"""

from datetime import date, datetime

_MIDDLE = 16
"""The day used for all days of a month: none is more than 15 days away."""


def middle_of_month(day: date) -> date:
    """Return what is kept instead of a date of birth."""
    return day.replace(day=_MIDDLE)


def born_after(born: date, captured: date) -> bool:
    """Whether a birth came in a month after that of a photo.

    Args:
        born: any day of the month of birth.
        captured: the day of the photo.
    """
    return (born.year, born.month) > (captured.year, captured.month)


def age_at(born: date, captured: date) -> float:
    """Count an age in years: birthdays, and the share of the current year of life.

    Args:
        born: the middle of the month of birth.
        captured: not before that month; earlier in it, the age is 0.
    """
    years = captured.year - born.year
    if born.replace(year=captured.year) > captured:
        years -= 1
    last, following = (born.replace(year=born.year + years + more) for more in (0, 1))
    return max(years + (captured - last).days / (following - last).days, 0)


def day_of(text: str) -> date | None:
    """The day of an ISO date or time, or None where a text is neither."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
