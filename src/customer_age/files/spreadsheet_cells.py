"""Write texts into CSV cells so that a spreadsheet does not read them as formulas.

OWASP's usual defence: an apostrophe in front marks the rest as text. It can be removed again
without loss.
"""

# East Asian spreadsheets also accept the full-width characters.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_TEXT = "'"


def cell(value: object) -> object:
    """Return a value for a CSV cell; only texts that would be formulas change."""
    if isinstance(value, str) and value.lstrip(_TEXT).startswith(_FORMULA):
        return f"{_TEXT}{value}"
    return value


def text_of(written: str) -> str:
    """Return the original text of a cell that `cell` wrote."""
    if written.startswith(_TEXT) and written.lstrip(_TEXT).startswith(_FORMULA):
        return written[len(_TEXT) :]
    return written
