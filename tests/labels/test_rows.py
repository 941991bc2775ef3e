"""The error for a cell that is not an age, and what it shows of the cell."""

import pytest

from customer_age.labels import age_of
from customer_age.schema.refusals import PhotoRefused


@pytest.mark.parametrize(
    "cell", ["17.05.1990", "1990-05-17", "1.5.90", "19900517", "1990", "5/90/17"]
)
def test_a_date_of_birth_in_the_age_s_column_is_not_shown(cell):
    with pytest.raises(PhotoRefused) as refused:
        age_of(cell)
    assert cell not in refused.value.detail
    assert "it may be a date of birth" in refused.value.detail


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [("999", "real_age 999 is outside 0 to 120"), ("old", "real_age 'old' is not a number")],
)
def test_a_typing_error_is_shown(cell, sentence):
    with pytest.raises(PhotoRefused) as refused:
        age_of(cell)
    assert refused.value.detail == sentence
