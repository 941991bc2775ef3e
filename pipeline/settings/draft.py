"""Settings before they are checked: the values of a file and the command line, with sources."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customer_age.errors import SettingsError

from . import yaml_reader
from .yaml_reader import NotYaml, Reading

LARGEST_FILE = 1_000_000
"""Bytes; reading a larger file would take minutes."""


@dataclass(frozen=True, order=True)
class _Source:
    """The source of a setting: the file, line by line, then the command line, left to right.

    Attributes:
        turn: 0 for the file, then 1 and so on.
        line: line of the file, from 1.
        label: the beginning of its error messages; empty if the setting's name is enough.
    """

    turn: int
    line: int
    label: str


class Draft:
    """The values that were read so far.

    Attributes:
        content: the values, nested as in a settings file.
    """

    def __init__(self) -> None:
        self.content: dict[str, Any] = {}
        self._sources: dict[yaml_reader.KeyPath, _Source] = {}
        self._changes: dict[yaml_reader.KeyPath, _Source] = {}  # by the command line
        self._plain: dict[yaml_reader.KeyPath, str] = {}
        self._mistakes: dict[tuple[yaml_reader.KeyPath, _Source], str] = {}
        self._turn = 0

    def read_file(self, file: Path) -> None:
        """Read a settings file; call this first.

        Raises:
            SettingsError: the file cannot be read, so its values cannot be checked.
        """
        try:
            with file.open("rb") as opened:
                content = opened.read(LARGEST_FILE + 1)
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
        if len(content) > LARGEST_FILE:
            raise SettingsError(
                f"{file}: is not a settings file: larger than {LARGEST_FILE:,} bytes"
            )
        try:
            reading = yaml_reader.read(content.decode())
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SettingsError(f"{file}:{line}: not UTF-8; save the file as UTF-8") from error
        except NotYaml as error:
            raise SettingsError(f"{file}:{error.line}: {error.reason}") from error
        if not isinstance(reading.value, dict | None):
            raise SettingsError(
                f"{file}:{reading.lines[()]}: must contain keys and values, for example "
                "`trainer: {epochs: 3}`"
            )
        self.content = reading.value or {}
        self._note((), reading, lambda line: _Source(0, line, f"{file}:{line}"))

    def option(self, path: yaml_reader.KeyPath, value: str | float) -> None:
        """Apply an option of the command line, such as `--work-dir`."""
        self._turn += 1
        source = _Source(self._turn, 0, "")
        self._put(path, value, source)
        if isinstance(value, str) and not yaml_reader.is_unicode(value):
            self._refuse_bytes(path, source)

    def override(self, text: str) -> None:
        """Apply a `--set`, such as `trainer.epochs=3`; the value is YAML, as in the file."""
        self._turn += 1
        key, equals, value = text.partition("=")
        key = key.strip()
        path = tuple(key.split("."))
        source = _Source(self._turn, 0, f"--set {key}")
        if not equals or not all(path):
            self._mistakes[path, source] = "write it as key=value, for example trainer.epochs=3"
            return
        if not yaml_reader.is_unicode(text):
            self._refuse_bytes(path, source)
            return
        try:
            reading = yaml_reader.read(value)
        except NotYaml as error:
            self._mistakes[path, source] = f"the value is {error.reason}"
            return
        if self._put(path, reading.value, source):
            self._note(path, reading, lambda _: source)

    def _refuse_bytes(self, path: yaml_reader.KeyPath, source: _Source) -> None:
        """Record undecoded text, and put a placeholder there so that the rest is checked."""
        encoding = sys.getfilesystemencoding()
        self._mistakes[path, source] = (
            "is not UTF-8" if encoding == "utf-8" else yaml_reader.beyond_locale(encoding)
        )
        if yaml_reader.is_unicode("".join(map(str, path))):
            self._put(path, "unreadable", source)

    def complain(self, path: yaml_reader.KeyPath, sentence: str) -> None:
        """Record an error; only the first one of each value is kept."""
        source = self._source(path)
        self._mistakes.setdefault((path, source), sentence)

    def plain(self, path: yaml_reader.KeyPath) -> str | None:
        """Return the text of a value; None if it is in quotes or does not come from YAML."""
        return self._plain.get(path)

    def lines(self) -> list[str]:
        """Return all errors, each on one line with its source, in the order of the sources."""
        found = sorted(self._mistakes.items(), key=lambda item: item[0][1])
        return [_line(source.label, path, sentence) for (path, source), sentence in found]

    def _put(self, path: yaml_reader.KeyPath, value: Any, source: _Source) -> bool:
        """Set a value, and return whether it could be set."""
        *sections, key = path
        inner: Any = self.content
        for depth, section in enumerate(sections, start=1):
            if inner.get(section) is None:
                inner[section] = {}
            inner = inner[section]
            if not isinstance(inner, dict):
                name = ".".join(map(str, path[:depth]))
                self._mistakes[path, source] = f"{name} is a value, not a section"
                return False
        inner[key] = value
        for records in (self._sources, self._changes, self._plain):
            for known in [known for known in records if known[: len(path)] == path]:
                del records[known]
        self._sources[path] = self._changes[path] = source
        return True

    def _note(
        self, path: yaml_reader.KeyPath, reading: Reading, source: Callable[[int], _Source]
    ) -> None:
        """Record the source of each value, by its line."""
        for inner, line in reading.lines.items():
            self._sources[path + inner] = source(line)
        for inner, text in reading.plain.items():
            self._plain[path + inner] = text
        for inner, line, sentence in reading.mistakes:
            self._mistakes.setdefault((path + inner, source(line)), sentence)

    def _source(self, path: yaml_reader.KeyPath) -> _Source:
        """Return the source of a value, or the last one that changed something in a section."""
        changes = [source for at, source in self._changes.items() if at[: len(path)] == path]
        if changes:
            return max(changes)
        while path and path not in self._sources:
            path = path[:-1]
        return self._sources.get(path, _Source(0, 0, ""))


def _line(label: str, path: yaml_reader.KeyPath, sentence: str) -> str:
    name = ".".join(map(str, path))
    parts = (label, sentence) if label == f"--set {name}" else (label, name, sentence)
    return printable(": ".join(part for part in parts if part))


def printable(line: str) -> str:
    """Escape a line of names and values from outside, which could break it or steer a terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
