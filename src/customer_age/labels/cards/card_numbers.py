"""Find card numbers in texts, in each form that file systems, spreadsheets and CRMs write.

Forms differ in case, separators, leading zeros, kinds of digits, percent-encoding, a prefix of
letters, the `.0` of a decimal number, or a missing check digit.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

_SHORT = 4
"""Characters; a shorter number must be a separate word, or every 7 in a name would be card 7."""

_WHOLE_SHARE = 0.75
_LEAST_PART = 6
"""Characters. A part of a long number with at least this length still identifies its card."""

_DECIMAL = re.compile(r"(?<=\d)[.,]0+$")


def without_card(text: str, card: str, stand_in: str) -> str:
    """Replace a card's number in any form.

    Args:
        text: for example a photo's name.
        card: the number, as written in a table.
        stand_in: the replacement.

    Returns:
        The new text, or the same text if it does not contain the number.
    """
    forms = _forms(card) if text else set()
    for written in dict.fromkeys((unquote(text), text)):
        if spans := _spans(written, forms):
            return _replaced(written, spans, stand_in)
    return text


@dataclass
class _View:
    """The letters and digits of a text, and the position of each in it."""

    characters: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def _view(text: str, drop_zeros: bool, by_group: bool = False) -> _View:
    """Read a text without its separators.

    Args:
        text: as it is written.
        drop_zeros: whether zeros that begin a run of digits are left out.
        by_group: whether a separator ends a run of digits.
    """
    view, in_number, zeros_from = _View(), False, -1
    for place, written in enumerate(text):
        # Without accents and widths: archives from a Mac and a PC write a letter differently.
        for character in unicodedata.normalize("NFKD", written).casefold():
            if not character.isalnum():
                if by_group and not unicodedata.combining(character):
                    in_number, zeros_from = False, -1
                continue
            digit = unicodedata.digit(character, None)
            if digit == 0 and drop_zeros and not in_number:
                zeros_from = place if zeros_from < 0 else zeros_from
                continue
            view.characters += character if digit is None else str(digit)
            view.starts.append(place if digit is None or zeros_from < 0 else zeros_from)
            view.ends.append(place + 1)
            in_number, zeros_from = digit is not None, -1
    return view


def _views(text: str) -> list[_View]:
    return [_view(text, False), _view(text, True), _view(text, True, by_group=True)]


def _forms(card: str) -> set[str]:
    forms = {
        view.characters for written in (card, _DECIMAL.sub("", card)) for view in _views(written)
    }
    digits = {"".join(filter(str.isdigit, form)) for form in forms}
    return {form for form in forms if form} | {form for form in digits if len(form) >= _SHORT}


def _spans(text: str, forms: set[str]) -> list[tuple[int, int]]:
    """Return where a text contains a number: starts and ends, in order."""
    return sorted(
        {
            (view.starts[first], view.ends[first + len(part) - 1])
            for view in _views(text)
            for form in forms
            for part in _parts(form)
            for first in _places(view.characters, part)
            if len(form) >= _SHORT or _alone(text, view, first, len(part))
        }
    )


def _parts(form: str) -> Iterator[str]:
    """Yield the number, or each of its parts that is long enough to identify it."""
    length = min(len(form), max(_LEAST_PART, round(_WHOLE_SHARE * len(form))))
    for first in range(len(form) - length + 1):
        yield form[first : first + length]


def _places(characters: str, part: str) -> Iterator[int]:
    first = characters.find(part)
    while first >= 0:
        yield first
        first = characters.find(part, first + 1)


def _alone(text: str, view: _View, first: int, length: int) -> bool:
    start, end = view.starts[first], view.ends[first + length - 1]
    return not (text[:start][-1:].isalnum() or text[end:][:1].isalnum())


def _replaced(text: str, spans: list[tuple[int, int]], stand_in: str) -> str:
    parts, done = [], 0
    for start, end in spans:
        if start >= done:
            parts += [text[done:start], stand_in]
        done = max(done, end)
    return "".join([*parts, text[done:]])
