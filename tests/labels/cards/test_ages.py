from datetime import date

import pytest

from customer_age.labels.cards.ages import age_at


@pytest.mark.parametrize(
    ("born", "captured", "age"),
    [
        ("1990-03-01", "2024-03-01", 34),
        ("1990-03-01", "2024-02-29", 33 + 365 / 366),
        ("1990-03-01", "2024-08-31", 34 + 183 / 365),
        ("2004-02-29", "2024-02-29", 20),
        ("2004-02-29", "2023-02-28", 18 + 364 / 365),
        ("2004-02-29", "2023-03-01", 19),
        ("2024-03-01", "2024-03-01", 0),
        ("1999-12-31", "2000-01-01", 1 / 366),
    ],
)
def test_ages_are_counted_in_birthdays_and_days(born, captured, age):
    assert age_at(date.fromisoformat(born), date.fromisoformat(captured)) == pytest.approx(age)
