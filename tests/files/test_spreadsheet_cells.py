"""No cell of a CSV file is a formula, and no cell loses a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_age.files import spreadsheet_cells

WIDE = "\N{FULLWIDTH EQUALS SIGN}x"


@pytest.mark.parametrize(
    "name",
    ["=1+1.jpg", "+1.jpg", "-1.jpg", "@x.jpg", "\t=x", "\r=x", "\n=x", WIDE, "=cmd|' /C'!A0"],
)
def test_a_formula_becomes_text(name):
    assert spreadsheet_cells.cell(name) == f"'{name}"


@pytest.mark.parametrize("value", ["a.jpg", "'a.jpg", "", "1=2", 3, 4.5, -4.5, None])
def test_anything_else_stays(value):
    assert spreadsheet_cells.cell(value) == value


@given(st.text(st.sampled_from("'=+-@\t\r\na1"), max_size=6))
def test_every_text_can_be_restored(text):
    written = spreadsheet_cells.cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert spreadsheet_cells.text_of(written) == text
