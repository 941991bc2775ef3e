"""A card's number is removed from texts in any form."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_age.labels.cards.card_numbers import without_card


@pytest.mark.parametrize(
    ("text", "card", "shown_as"),
    [
        ("2024_4000-0001_a.jpg", "4000-0001", "2024_HASH_a.jpg"),
        ("40000001.jpg", "4000-0001", "HASH.jpg"),
        ("card 4000 0001.jpg", "40000001", "card HASH.jpg"),
        ("AB12-x.jpg", "ab12", "HASH-x.jpg"),
        ("7.jpg", "7", "HASH.jpg"),
        ("17_07.jpg", "7", "17_HASH.jpg"),
        ("17_75.jpg", "7", "17_75.jpg"),
        ("a.jpg", "4000-0001", "a.jpg"),
        ("a.jpg", "--", "a.jpg"),
        ("12345_cam.jpg", "0012345", "HASH_cam.jpg"),
        ("cam_000012345.jpg", "12345", "cam_HASH.jpg"),
        ("0012-345.jpg", "12345", "HASH.jpg"),
        ("AB12345.jpg", "AB-0012345", "HASH.jpg"),
        ("ab_0012345.jpg", "AB12345", "HASH.jpg"),
        ("12345.jpg", "AB-0012345", "HASH.jpg"),
        ("12-34.jpg", "12-0034", "HASH.jpg"),
        ("12345.jpg", "12345.0", "HASH.jpg"),
        ("12,345.jpg", "12345", "HASH.jpg"),
        ("4000%2D0001.jpg", "4000-0001", "HASH.jpg"),
        ("\uff14\uff10\uff10\uff10\uff10\uff10\uff10\uff11.jpg", "4000-0001", "HASH.jpg"),
        ("40\u200b000001.jpg", "4000-0001", "HASH.jpg"),
        ("400638133393.jpg", "4006381333931", "HASH.jpg"),
        ("000.jpg", "000", "HASH.jpg"),
        ("4000-0001_40000001.jpg", "4000-0001", "HASH_HASH.jpg"),
        ("100%.jpg", "4000-0001", "100%.jpg"),
    ],
)
def test_a_card_number_is_removed_from_names(text, card, shown_as):
    assert without_card(text, card, "HASH") == shown_as


def test_letters_of_a_number_may_be_composed_or_not():
    name = unicodedata.normalize("NFD", "Käse-12.jpg")
    assert without_card(name, "KÄSE12", "HASH") == "HASH.jpg"


SEPARATORS = st.sampled_from(["", "-", " ", "_", ".", "--", "%20"])


@settings(max_examples=200)
@given(
    number=st.text("0123456789", min_size=5, max_size=16).filter(lambda text: text.strip("0")),
    prefix=st.sampled_from(["", "K", "LC-", "ß"]),
    zeros=st.integers(0, 6),
    separators=st.lists(SEPARATORS, min_size=16, max_size=16),
    upper=st.booleans(),
)
def test_no_form_of_a_number_is_left(number, prefix, zeros, separators, upper):
    written = "".join(
        digit + separator for digit, separator in zip(number.lstrip("0"), separators, strict=False)
    )
    form = prefix + "0" * zeros + written
    shown = without_card(f"cam_{form.upper() if upper else form}.jpg", prefix + number, "HASH")
    assert "HASH" in shown
    assert not set(shown) & set("123456789")
