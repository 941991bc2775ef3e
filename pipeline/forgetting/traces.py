"""The names and hashes by which kept texts could still identify a photo or its person."""

import html
import json
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote

from customer_age.labels import data_set
from customer_age.schema.refusals import Refusal

ERASED = "(erased)"
"""Replaces an erased name in a text."""

_PLAIN = 4
"""Length in characters; a shorter name may be an ordinary word."""

_NO_EDGE = r"[\w-]"


@dataclass(frozen=True)
class Traces:
    """The names and hashes of a subject that must not remain in any text.

    Attributes:
        photos: batch and name of each photo, as in an example.
        rows: table and name of each photo, as in a refusal.
        persons: keyed hashes of persons.
    """

    photos: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    rows: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)
    persons: frozenset[str] = frozenset()

    def __or__(self, other: "Traces") -> "Traces":
        """Return the traces of both."""
        return Traces(
            self.photos | other.photos, self.rows | other.rows, self.persons | other.persons
        )

    def are_in(self, refusal: Refusal) -> bool:
        """Return whether a line of `refused.csv` is about the subject or names its photo."""
        if (refusal.table, refusal.file_name) in self.rows:
            return True
        return any(stand_in in refusal.file_name for stand_in in self._stand_ins())

    def pattern(self) -> re.Pattern[str] | None:
        """Return a pattern of the subject's names in all forms of texts; None without names."""
        names = {name for _, name in self.photos | self.rows if name}
        names |= {PurePosixPath(name.replace("\\", "/")).name for name in names}
        words = {form for name in names if len(name) >= _PLAIN for form in _forms(name)}
        found = [rf"(?<!{_NO_EDGE}){each}(?!{_NO_EDGE})" for each in _longest_first(words)]
        # A short name can appear alone in a refusal's sentence or cell.
        short = {form for name in names if len(name) < _PLAIN for form in _forms(name)}
        found += [rf"(?<=[:,>] ){each}(?=[:,] )" for each in _longest_first(short)]
        found += [re.escape(each) for each in sorted({*self.persons, *self._stand_ins()})]
        return re.compile("|".join(found)) if found else None

    def _stand_ins(self) -> Set[str]:
        return {data_set.stand_in(person) for person in self.persons}


def _forms(name: str) -> set[str]:
    in_one_line = " ".join(name.split())
    texts = {name, in_one_line}
    return {
        form
        for text in texts
        for form in (
            text,
            html.escape(text),
            html.escape(text).replace("&#x27;", "&#39;"),
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
            text.replace('"', '""'),
            quote(text),
        )
        if form
    }


def _longest_first(words: Iterable[str]) -> list[str]:
    return [re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word))]
