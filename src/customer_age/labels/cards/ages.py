"""Compute ages from dates.

Only the month of a date of birth is used: ages to the day, together with the days on which photos
were taken, would reveal the exact date.
"""

from datetime import date, datetime

_MIDDLE = 16
"""The day that represents a whole month: no day is more than 15 days away."""


def middle_of_month(day: date) -> date:
    """Return the day that represents a date of birth."""
    return day.replace(day=_MIDDLE)


def born_after(born: date, captured: date) -> bool:
    """Return whether the month of birth is after the month of a photo.

    Args:
        born: any day of the month of birth.
        captured: the day of the photo.
    """
    return (born.year, born.month) > (captured.year, captured.month)


def age_at(born: date, captured: date) -> float:
    """Return an age in years: the number of birthdays, and the share of the current year of life.

    Args:
        born: the middle of the month of birth.
        captured: the day of the photo, not before that month; earlier in it, the age is 0.
    """
    years = captured.year - born.year
    if born.replace(year=captured.year) > captured:
        years -= 1
    last, following = (born.replace(year=born.year + years + more) for more in (0, 1))
    return max(years + (captured - last).days / (following - last).days, 0)


def day_of(text: str) -> date | None:
    """Return the day of an ISO date or time, or None if a text is neither."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
