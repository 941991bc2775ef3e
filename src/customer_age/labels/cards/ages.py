"""Dates to ages."""

from datetime import date, datetime


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


def day_of(text: str) -> date | None:
    """The day of an ISO date or time, or None where a text is neither."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
