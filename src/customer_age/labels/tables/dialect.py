"""Recognise how a text table is written: its encoding and its delimiter."""

import codecs
import csv
import gzip
import io
import re
from dataclasses import dataclass
from typing import BinaryIO, cast

from customer_age.errors import SettingsError

LINE_LIMIT = 2**20
"""Characters of a line; a file with a longer line is probably not a table."""

_DELIMITERS = ",;\t"
# Excel writes and reads this line, because its separator depends on the country.
_SEPARATOR_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)

# Byte order mark, codec that removes it, codec that does not, name. The longer marks come first:
# UTF-32's begins with UTF-16's.
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
    """The delimiter and the header of a text table.

    Attributes:
        delimiter: the character between two cells.
        header: the header's line, as it is written.
        header_line: its number; the first line of the file is 1.
    """

    delimiter: str
    header: str
    header_line: int


def codec_and_mark(content: bytes) -> tuple[str, bytes]:
    """Return the codec of a text after its byte order mark, and the mark, which may be empty.

    Only a mark proves that a text is not in UTF-8.
    """
    for mark, _, codec, _ in _MARKS:
        if content.startswith(mark):
            return codec, mark
    return "utf-8", b""


def decoded(content: bytes) -> str:
    """Decode the bytes of a text, without the byte order mark.

    Raises:
        UnicodeDecodeError: it is in another encoding.
    """
    codec, mark = codec_and_mark(content)
    return content[len(mark) :].decode(codec)


def open_text(content: BinaryIO, compressed: bool) -> tuple[io.TextIOWrapper, str]:
    """Open a table's bytes as text, with its line ends unchanged.

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
    """Read a text up to the end of its header.

    Args:
        text: at its beginning; after the call, it is after the header.
        path: of the table, for messages.

    Raises:
        SettingsError: there is no header.
        UnicodeDecodeError: the text has another encoding than the one it was opened with.
    """
    line, number = text.readline(LINE_LIMIT), 1
    named = _SEPARATOR_LINE.fullmatch(line)
    if named:
        line, number = text.readline(LINE_LIMIT), 2
    delimiter = named[1] if named else _delimiter(line)
    if "\0" in line:
        raise SettingsError(
            f"{path}: not text in UTF-8: it contains NUL characters, like UTF-16 without a byte "
            "order mark; save the table as CSV in UTF-8"
        )
    if not line.replace(delimiter, "").strip():
        if not any(rest.replace(delimiter, "").strip() for rest in text):
            raise SettingsError(f"{path}: the table is empty")
        raise SettingsError(
            f"{path}: line {number} is empty, but it must contain the column names; delete the "
            "empty lines above them"
        )
    return Dialect(delimiter, line, number)


def _delimiter(header: str) -> str:
    """Return the delimiter that splits the header into most columns; by default a comma."""
    return max(
        _DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), []))
    )
