"""What a name from outside means: a cell of a table, a key of a store, an entry of a listing.

Such a name is text that anybody may have written. `wrong_with` is the one check of it, before it is
put behind a folder's path.

One name can be saved in two forms of Unicode: `ü` as one character (NFC), or as `u` and its dots
(NFD), as archives from a Mac have it. They look the same, and are the same name to a person.
"""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import PurePosixPath

LEADS_OUT = "leads out of its folder"

LONGEST_ON_DISK = 255
"""Bytes of one part of a path."""

LONGEST_IN_STORE = 1024
"""Bytes of a whole key, so of each part of it."""

_SHOWN = 80
"""Characters of a name in a sentence."""

# Most names are decided here.
_SURELY_FINE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")

# Also line ends of Unicode, and what no encoding has. A byte of a name that is not UTF-8 is one of
# U+DC80 to U+DCFF (PEP 383).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")

# Letters first: what begins with a digit may be a number that belongs to the name.
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")


def wrong_with(name: str, longest: int = LONGEST_ON_DISK) -> str:
    """Why a name from outside does not name a file in its folder; empty where it does.

    Args:
        name: with `/`, and perhaps backslashes, between its parts.
        longest: bytes that a part may have.

    Returns:
        What follows the name in a sentence.
    """
    if _SURELY_FINE.fullmatch(name):
        return ""
    if name.startswith("\\") or name[1:2] == ":" or ".." in re.split(r"[/\\]", name):
        return LEADS_OUT  # as Windows reads it
    if wrong := wrong_as_key(name):
        return wrong
    if max(len(part.encode(errors="surrogateescape")) for part in name.split("/")) > longest:
        return f"has a part of more than {longest} bytes"
    return ""


def wrong_as_key(key: str) -> str:
    """The same of a key that a store lists, which may be one of those that are not ours to read."""
    if _SURELY_FINE.fullmatch(key):
        return ""
    parts = key.split("/")
    if key.startswith("/") or ".." in parts:
        return LEADS_OUT
    if "" in parts or "." in parts:
        return "has an empty part, or the part '.'"
    return "holds a control character" if _CONTROL.search(key) else ""


def wrong_in_table(cell: str) -> str:
    """The same of a cell of a table, in which `./` and doubled slashes mean nothing."""
    return "" if not cell else wrong_with(relative("", cell))


def shown(name: str) -> str:
    """A name for a sentence: in quotes, on one line, and not too long."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")


def printable(name: str) -> str:
    """A name as it is, unless it holds control characters: then with these escaped."""
    return repr(name)[1:-1] if _CONTROL.search(name) else name


def numbered(name: str, is_taken: Callable[[str], bool]) -> str:
    """A name that nothing has: this one, or the first free one of `name-2`, `name-3` and so on.

    Names made of the time need it: a clock that is set back gives the same moment twice.
    """
    others = (f"{name}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], others) if not is_taken(each))


def composed(name: str) -> str:
    """The form of a name by which two that look the same are the same: NFC."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def relative(folder: str, name: str) -> str:
    """The path of a name in a table, with `/` and without a leading `./`.

    Args:
        folder: that the name is in; empty for none.
        name: as the table has it, also with backslashes.
    """
    if "/" not in name and "\\" not in name and name not in ("", "."):
        return f"{folder}/{name}" if folder else name  # most are; a path object takes its time
    return PurePosixPath(folder, name.replace("\\", "/")).as_posix()


class FileNames:
    """The names of files, in which one that is not there exactly may still be found.

    What it takes to find those is counted when the first name is missing.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Construct from the names of all files; they may be listed when they are needed."""
        self._names = names

    def same_as(self, name: str) -> list[str]:
        """The files whose names are this one in another form of Unicode; usually one or none."""
        return self._by_form.get(composed(name), [])

    def near(self, name: str, elsewhere: bool = True) -> str | None:
        """A file whose name differs in case or suffix alone, or None; for a hint.

        Args:
            name: that is missing.
            elsewhere: whether a file of that name in another folder will do.
        """
        keys = _likenesses(name)
        return next(
            (
                self._by_likeness[key]
                for key in (keys if elsewhere else keys[:2])
                if key in self._by_likeness
            ),
            None,
        )

    @cached_property
    def _listed(self) -> list[str]:
        return sorted(self._names)

    @cached_property
    def _by_form(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for name in self._listed:
            found[composed(name)].append(name)
        return dict(found)

    @cached_property
    def _by_likeness(self) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for name in self._listed:
            for key in _likenesses(name):
                found.setdefault(key, name)
        return found


def _likenesses(name: str) -> tuple[tuple[str, str], ...]:
    """By what a name is near another one: as a whole, without its suffix, and its folder."""
    folded = name.lower() if name.isascii() else composed(composed(name).casefold())
    stem = _SUFFIX.sub("", folded)
    return ("whole", folded), ("stem", stem), ("anywhere", stem.rpartition("/")[2])
