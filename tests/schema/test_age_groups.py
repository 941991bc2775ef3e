import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_age.schema import age_groups

GROUPS = age_groups.parse(["0-12", "13-17", "18-64", "65+"])


@pytest.mark.parametrize(
    ("age", "group"),
    [(0, "0-12"), (12, "0-12"), (12.9, "0-12"), (13, "13-17"), (64.99, "18-64"), (65, "65+"),
     (120, "65+")],
)  # fmt: skip
def test_a_band_contains_its_whole_years(age, group):
    assert GROUPS.of(age) == group


def test_bands_may_come_in_any_order():
    assert age_groups.parse(["18+", "0-17"]).names == ("0-17", "18+")


@pytest.mark.parametrize("age", [-1, -0.1, float("nan")])
def test_an_invalid_age_has_no_group(age):
    with pytest.raises(ValueError, match="has no age group"):
        GROUPS.of(age)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "there are no age groups"),
        (["0-12", "14+"], "leave a gap: no group contains age 13"),
        (["1+"], "leave a gap: no group contains age 0"),
        (["0-12", "12+"], "overlap: age 12"),
        (["0-12", "0-12", "13+"], "overlap: age 0"),
        (["0+", "65+"], "overlap: age 65"),
        (["0-12"], "end at 12: add an open last group"),
        (["12-0"], "'12-0' ends before it starts"),
        (["young", "18+"], "'young' is not a valid age group"),
        (["-5-12"], "'-5-12' is not a valid age group"),
    ],
)
def test_bad_bands_are_named(names, sentence):
    with pytest.raises(ValueError, match=sentence.replace("+", r"\+")):
        age_groups.parse(names)


@given(st.sets(st.integers(1, 120), max_size=10), st.floats(0, 120))
def test_every_age_is_in_the_band_of_its_year(cuts, age):
    firsts = [0, *sorted(cuts)]
    lasts = [cut - 1 for cut in sorted(cuts)]
    names = [f"{first}-{last}" for first, last in zip(firsts, lasts, strict=False)]
    groups = age_groups.parse([*names, f"{firsts[-1]}+"])
    first = int(groups.of(age).rstrip("+").split("-")[0])
    assert first == max(cut for cut in firsts if cut <= age)
