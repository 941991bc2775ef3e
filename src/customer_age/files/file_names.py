"""Find the file that a name in a table means.

One name can be saved in two forms of Unicode: `ü` as one character (NFC), or as `u` and its dots
(NFD), as archives from a Mac have it. They look the same, and are the same name to a person.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath

# Letters first: what begins with a digit may be a number that belongs to the name.
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")


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
