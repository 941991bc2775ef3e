"""Spans of time, and a subject's repr, which hides the card's number."""

from datetime import date

import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.forgetting.subject import Card, day_before


@pytest.mark.parametrize(
    ("span", "today", "day"),
    [
        ("2y", date(2026, 11, 25), date(2024, 11, 25)),
        ("1y", date(2024, 2, 29), date(2023, 2, 28)),
        ("1m", date(2026, 3, 31), date(2026, 2, 28)),
        ("18m", date(2026, 1, 15), date(2024, 7, 15)),
        ("12m", date(2026, 12, 31), date(2025, 12, 31)),
        ("90d", date(2026, 3, 1), date(2025, 12, 1)),
        (" 0D ", date(2026, 3, 1), date(2026, 3, 1)),
    ],
)
def test_a_span_is_counted_back(span, today, day):
    assert day_before(span, today) == day


@pytest.mark.parametrize("span", ["", "2", "y", "-1y", "2 years", "9999y", "99999d99"])
def test_an_invalid_span_is_one_line(span):
    with pytest.raises(SettingsError, match=r"^--older-than ") as raised:
        day_before(span, date(2026, 3, 1))
    assert "\n" not in str(raised.value)


def test_a_card_shows_no_number():
    card = Card("4000-0007", "a secret key")
    assert "4000" not in f"{card} {card.kind} {card.forgotten()}"
    assert "secret" not in str(card)
