"""Check and compare external file names: cells of a table, keys of a store, entries of a listing.

Anybody may have written such a name. `wrong_with` is the only check of a name before it is appended
to a folder's path.

A name can have two Unicode forms: `ü` as one character (NFC), or as `u` and a combining mark (NFD),
as in archives from a Mac. Both look the same, and a person reads them as the same name.
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
"""Bytes of a whole key, and so also of each part of it."""

_SHOWN = 80
"""Characters of a name in a message."""

# Matches most names quickly.
_SURELY_FINE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")

# Also Unicode's line ends, and code points that cannot be encoded. A byte of a name that is not
# UTF-8 is read as one of U+DC80 to U+DCFF (PEP 383).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")

# A letter first: a part that begins with a digit may be a number that belongs to the name.
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")


def wrong_with(name: str, longest: int = LONGEST_ON_DISK) -> str:
    """Return why an external name is not valid for a file in its folder; empty if it is valid.

    Args:
        name: its parts are separated by `/`, or by backslashes.
        longest: the most bytes that a part may have.

    Returns:
        The rest of a sentence that begins with the name.
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
    """Return why a key in a store's listing is not valid; it may be a key that we did not write."""
    if _SURELY_FINE.fullmatch(key):
        return ""
    parts = key.split("/")
    if key.startswith("/") or ".." in parts:
        return LEADS_OUT
    if "" in parts or "." in parts:
        return "has an empty part, or the part '.'"
    return "holds a control character" if _CONTROL.search(key) else ""


def wrong_in_table(cell: str) -> str:
    """Return why a table's cell is not a valid name; `./` and doubled slashes are ignored."""
    return "" if not cell else wrong_with(relative("", cell))


def shown(name: str) -> str:
    """Return a name for a message: quoted, on one line, and shortened."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")


def printable(name: str) -> str:
    """Return a name with its control characters, if any, escaped."""
    return repr(name)[1:-1] if _CONTROL.search(name) else name


def numbered(name: str, is_taken: Callable[[str], bool]) -> str:
    """Return a free name: this one, or the first free one of `name-2`, `name-3` and so on.

    Names that contain the time need this: a clock that is set back shows the same time twice.
    """
    others = (f"{name}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([name], others) if not is_taken(each))


def composed(name: str) -> str:
    """Return a name in the Unicode form NFC, so that names that look the same compare equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def relative(folder: str, name: str) -> str:
    """Return the path of a name in a table, with `/` and without a leading `./`.

    Args:
        folder: the folder that the name is in; empty for none.
        name: as written in the table; it may contain backslashes.
    """
    if "/" not in name and "\\" not in name and name not in ("", "."):
        return f"{folder}/{name}" if folder else name  # most names; a path object is slow
    return PurePosixPath(folder, name.replace("\\", "/")).as_posix()


class FileNames:
    """The names of files, and a search for similar names.

    The index for the search is built when the first name is missing.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Keep the names of all files; the iterable is read only when it is needed."""
        self._names = names

    def same_as(self, name: str) -> list[str]:
        """Return the files with this name in any Unicode form; usually one or none."""
        return self._by_form.get(composed(name), [])

    def near(self, name: str, elsewhere: bool = True) -> str | None:
        """Return a file whose name differs only in case or suffix, or None; for a hint.

        Args:
            name: the missing name.
            elsewhere: whether the file may be in another folder.
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
    """Return the keys that find similar names: the whole name, without suffix, without folder."""
    folded = name.lower() if name.isascii() else composed(composed(name).casefold())
    stem = _SUFFIX.sub("", folded)
    return ("whole", folded), ("stem", stem), ("anywhere", stem.rpartition("/")[2])
