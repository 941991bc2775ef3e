"""How a table that is a text is written: its encoding, and what separates its cells."""

import codecs
import csv
import gzip
import io
import re
from dataclasses import dataclass
from typing import BinaryIO, cast

from customer_age.errors import SettingsError

LINE_LIMIT = 2**20
"""Characters of a line; a longer one is hardly a table's."""

_DELIMITERS = ",;\t"
# Excel writes this line, and reads it, so that its own country's separator is known elsewhere.
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)

# Mark, codec that takes it away, codec without it, name. The longer marks first: that of UTF-32
# begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be", "UTF-16"),
)
_LONGEST_MARK = 4


@dataclass(frozen=True)
class Dialect:
    """What tells how a text is cut into cells.

    Attributes:
        delimiter: the character between two cells.
        header: the line of the header, as it is written.
        header_line: its number, 1 being the first line of the file.
    """

    delimiter: str
    header: str
    header_line: int


def codec_and_mark(content: bytes) -> tuple[str, bytes]:
    """The codec of a text behind its byte order mark, and the mark, which may be empty.

    Only a mark tells for certain that a text is not in UTF-8.
    """
    for mark, _, codec, _ in _MARKS:
        if content.startswith(mark):
            return codec, mark
    return "utf-8", b""


def decoded(content: bytes) -> str:
    """A text from its bytes, without the byte order mark.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    codec, mark = codec_and_mark(content)
    return content[len(mark) :].decode(codec)


def open_text(content: BinaryIO, compressed: bool) -> tuple[io.TextIOWrapper, str]:
    """Open a table's bytes as a text, its line ends as they are.

    Returns:
        The text, and the usual name of its encoding.

    Raises:
        OSError: it cannot be read.
        EOFError, zlib.error: it is gzipped and damaged.
    """
    if compressed:
        content = cast(BinaryIO, gzip.GzipFile(fileobj=content, mode="rb"))
    start = content.read(_LONGEST_MARK)
    content.seek(0)
    codec, name = next(
        ((codec, name) for mark, codec, _, name in _MARKS if start.startswith(mark)),
        ("utf-8", "UTF-8"),
    )
    return io.TextIOWrapper(content, encoding=codec, newline=""), name


def read_dialect(text: io.TextIOBase, path: str) -> Dialect:
    """Read a text as far as its header.

    Args:
        text: at its beginning; behind the header afterwards.
        path: of the table, for people.

    Raises:
        SettingsError: there is no header.
        UnicodeDecodeError: it is not in the encoding that it was opened with.
    """
    line, number = text.readline(LINE_LIMIT), 1
    named = _SEPARATOR_LINE.fullmatch(line)
    if named:
        line, number = text.readline(LINE_LIMIT), 2
    delimiter = named[1] if named else _delimiter(line)
    if "\0" in line:
        raise SettingsError(
            f"{path}: not a text in UTF-8: it holds NUL characters, as UTF-16 without a byte order "
            "mark does; save the table as CSV in UTF-8"
        )
    if not line.replace(delimiter, "").strip():
        if not any(rest.replace(delimiter, "").strip() for rest in text):
            raise SettingsError(f"{path}: the table is empty")
        raise SettingsError(
            f"{path}: line {number} is empty, and the names of the columns should stand in it; "
            "delete the empty lines above them"
        )
    return Dialect(delimiter, line, number)


def _delimiter(header: str) -> str:
    """The delimiter that cuts the header into most columns; a comma where none does."""
    return max(
        _DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), []))
    )
