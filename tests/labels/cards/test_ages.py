from datetime import date, timedelta

import pytest

from customer_age.labels.cards.ages import age_at, born_after, middle_of_month


@pytest.mark.parametrize(
    ("born", "captured", "age"),
    [
        ("1990-03-16", "2024-03-16", 34),
        ("1990-03-16", "2024-03-15", 33 + 365 / 366),
        ("1990-03-16", "2024-03-01", 33 + 351 / 366),
        ("1990-03-16", "2024-09-15", 34 + 183 / 365),
        ("2004-02-16", "2024-02-16", 20),
        ("2004-02-16", "2024-02-29", 20 + 13 / 366),
        ("2024-03-16", "2024-03-16", 0),
        ("2024-03-16", "2024-03-01", 0),
        ("1999-12-16", "2000-01-01", 16 / 366),
    ],
)
def test_ages_are_counted_in_birthdays_and_days(born, captured, age):
    assert age_at(date.fromisoformat(born), date.fromisoformat(captured)) == pytest.approx(age)


def test_the_middle_of_a_month_is_at_most_15_days_away():
    days = [date(2023, 1, 1) + timedelta(number) for number in range(2 * 365)]
    assert max(abs(day - middle_of_month(day)) for day in days) == timedelta(15)
    assert {(each.year, each.month) for each in map(middle_of_month, days)} == {
        (day.year, day.month) for day in days
    }


def test_a_birth_later_in_the_month_of_the_photo_is_not_after_it():
    assert not born_after(date(2024, 3, 31), date(2024, 3, 1))
    assert born_after(date(2024, 4, 1), date(2024, 3, 31))
    assert not born_after(date(2023, 12, 1), date(2024, 1, 1))
