"""Texts as cells of a CSV file that a spreadsheet may open: none is taken for a formula.

The usual defence, OWASP's: an apostrophe in front, which says that the rest is text. It can be
removed again without loss.
"""

# East Asian spreadsheets take the wide ones too.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_TEXT = "'"


def cell(value: object) -> object:
    """A value as a CSV file has it; only texts that would be formulas change."""
    if isinstance(value, str) and value.lstrip(_TEXT).startswith(_FORMULA):
        return f"{_TEXT}{value}"
    return value


def text_of(written: str) -> str:
    """The text that `cell` was given."""
    if written.startswith(_TEXT) and written.lstrip(_TEXT).startswith(_FORMULA):
        return written[len(_TEXT) :]
    return written
