"""Substitutes for characters that the encoding of the standard output does not contain."""

import codecs
import io
import sys

_NAME = "customer_age.shown"


def keep_to_encoding() -> None:
    """Print a substitute, on standard output and error, for each character outside the encoding.

    Otherwise Python would stop the command in the middle of a line: if the locale is C and the
    UTF-8 mode is off, if PYTHONIOENCODING sets such an encoding, or if a file name is not valid
    text.
    """
    codecs.register_error(_NAME, _substitutes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)


def _substitutes(error: UnicodeError) -> tuple[bytes, int]:
    """Return the code of letters and digits, undecoded bytes unchanged, and ? for all else."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return b"".join(map(_substitute, error.object[error.start : error.end])), error.end


def _substitute(letter: str) -> bytes:
    if "\udc80" <= letter <= "\udcff":
        return letter.encode("ascii", "surrogateescape")
    return letter.encode("ascii", "backslashreplace") if letter.isalnum() else b"?"
