"""What the standard output shows of characters that its encoding does not have."""

import codecs
import io
import sys

_NAME = "customer_age.shown"


def keep_to_encoding() -> None:
    """Show a substitute, on the standard output and for errors, where an encoding lacks a letter.

    Python would end the command in the middle of a line: where the locale is C and its UTF-8 mode
    is switched off, where PYTHONIOENCODING says so, or where the bytes of a file's name are not
    text at all.
    """
    codecs.register_error(_NAME, _substitutes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def _substitutes(error: UnicodeError) -> tuple[bytes, int]:
    """Of letters and digits their code, of bytes of a name these, of all else a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return b"".join(map(_substitute, error.object[error.start : error.end])), error.end


def _substitute(letter: str) -> bytes:
    if "\udc80" <= letter <= "\udcff":
        return letter.encode("ascii", "surrogateescape")
    return letter.encode("ascii", "backslashreplace") if letter.isalnum() else b"?"
