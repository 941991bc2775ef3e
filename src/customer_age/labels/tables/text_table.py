"""Split a text into records, and check that no record contains another one.

A quote that is never closed makes one cell of all following lines, and a parser accepts it. So the
lines of the file are counted separately from the parser, and each line must belong to a record.
"""

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from customer_age.errors import SettingsError

from .dialect import LINE_LIMIT, Dialect

MAX_LINE_BREAKS = 20
"""The limit in a record, and so in a quoted cell."""

_NEVER_CLOSED = "unexpected end of data"
_FAR_BELOW = f"is not closed in the next {MAX_LINE_BREAKS} lines"


class Record(NamedTuple):
    """One record of a text; its cells are as written, without their quotes.

    Attributes:
        line: the line where it ends; the first line of the file is 1.
        cells: its cells; empty if it has a problem.
        problem: why it is not a valid record, in a sentence; empty if it is valid.
        further_lines: its lines after the first one, as they are written.
    """

    line: int
    cells: list[str]
    problem: str = ""
    further_lines: tuple[str, ...] = ()


class _Lines:
    """Yields the lines of a text to a parser, and records which lines the parser read."""

    def __init__(self, text: io.TextIOBase, dialect: Dialect, path: str) -> None:
        self.taken: list[str] = []
        """The lines read since the record began."""
        self.count = dialect.header_line - 1
        self._text = text
        self._header = dialect.header
        self._path = path

    def __iter__(self) -> Iterator[str]:
        taken, read = self.taken, self._text.readline
        line = self._header
        while line:
            self.count += 1
            taken.append(line)
            if len(taken) > MAX_LINE_BREAKS + 1:
                raise _TooLong
            if len(line) >= LINE_LIMIT:
                raise SettingsError(
                    f"{self._path}: line {self.count} has more than {LINE_LIMIT:,} characters: "
                    "this file is probably not a table"
                )
            yield line
            line = read(LINE_LIMIT)


class _TooLong(Exception):
    """A record has more lines than the limit."""


def records(text: io.TextIOBase, dialect: Dialect, path: str) -> Iterator[Record]:
    """Split a text into its records, the header first.

    Args:
        text: after its header.
        dialect: how it is written.
        path: of the table, for messages.

    Raises:
        SettingsError: a quote opens a cell and is not closed, or only far below; the message names
            the line.
        UnicodeDecodeError: the text has another encoding than the one it was opened with.
    """
    lines = _Lines(text, dialect, path)
    reader = csv.reader(iter(lines), delimiter=dialect.delimiter, strict=True)
    taken, accounted = lines.taken, dialect.header_line - 1
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except _TooLong:
            raise _stray_quote(lines, dialect, path, _FAR_BELOW) from None
        except csv.Error as error:
            if len(taken) == 1 and str(error) != _NEVER_CLOSED:
                accounted += 1
                yield Record(lines.count, [], _in_words(error, dialect))
                continue
            raise _stray_quote(lines, dialect, path, _in_words(error, dialect)) from error
        accounted += len(taken)
        if len(taken) == 1:
            broken = "it contains a NUL character" if "\0" in taken[0] else ""
            yield Record(lines.count, cells, broken)
        else:
            yield Record(lines.count, cells, "", tuple(taken[1:]))
    if accounted != lines.count:
        raise SettingsError(
            f"{path}: only {accounted} of {lines.count} lines belong to rows; save the table again"
        )


def cells_of(line: str, dialect: Dialect) -> Iterator[list[str]]:
    """Split one line into cells: once with quotes as characters, once with their meaning."""
    yield line.rstrip("\r\n").split(dialect.delimiter)
    with contextlib.suppress(csv.Error):
        yield from csv.reader([line], delimiter=dialect.delimiter)


def _in_words(error: Exception, dialect: Dialect) -> str:
    words = str(error)
    if words == _NEVER_CLOSED:
        return "is never closed"
    if "expected after" in words:
        return (
            "a closing quote is before the end of its cell (inside a quoted cell, quotes must be "
            'doubled: "")'
        )
    if "field limit" in words:
        return f"a cell has more than {csv.field_size_limit():,} characters"
    return words


def _stray_quote(lines: _Lines, dialect: Dialect, path: str, words: str) -> SettingsError:
    first = lines.count - len(lines.taken) + 1
    opened = first + _opened_in("".join(lines.taken), dialect.delimiter)
    closing = words if words.startswith("is ") else f"is not closed correctly: {words}"
    return SettingsError(
        f"{path}: line {opened}: a quote opens a cell here and {closing}; delete it, or close it"
    )


def _opened_in(text: str, delimiter: str) -> int:
    """Count the line ends before the last quote that opens a cell of more than one line."""
    line, opened, found, at_start, quoted = 0, 0, 0, True, False
    for number, character in enumerate(text):
        if quoted:
            # A doubled quote closes the cell and opens it again.
            if character == '"':
                quoted = False
        elif character == '"' and (at_start or text[number - 1] == '"'):
            quoted = True
            if at_start:
                opened = line
        if character == "\n" or (character == "\r" and text[number + 1 : number + 2] != "\n"):
            line += 1
            if quoted:
                found = opened
        at_start = not quoted and character in f"{delimiter}\r\n"
    return found
