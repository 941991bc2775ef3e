"""The keyed hash of a person, and the secret that keys it.

The secret lies in a file, a mounted one on a cluster; settings, parameters and metadata know its
path alone. Anyone who has the file can find a known card's photos again, as `forget` has to; nobody
else.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from customer_age.errors import SettingsError

MIN_LENGTH = 16
"""Characters; a shorter key can be guessed, and with it every card's number."""


def read(path: str) -> str:
    """Read the key.

    Raises:
        SettingsError: there is no such file, it cannot be read, or the key is short.
    """
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise SettingsError(
            f"data.person_key_file: {path}: {reason}; the table names persons, and this secret "
            "keys their hash: set the path of a secret, the same for every run"
        ) from error
    if len(key) < MIN_LENGTH:
        raise SettingsError(
            f"data.person_key_file: {path}: the key is shorter than {MIN_LENGTH} characters; "
            "make one with `openssl rand -hex 32`"
        )
    return key


def make(path: str) -> None:
    """Make a random key, for its owner's eyes, unless there is one.

    Raises:
        SettingsError: it cannot be written.
    """
    target = Path(path)
    if target.exists():
        return
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w"
        ) as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        # A link to a name that is taken fails: of two that make one at once, one key stands.
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, target)
    except OSError as error:
        raise SettingsError(
            f"data.person_key_file: {path}: cannot be written: {error.strerror}"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()


def fingerprint(key: str) -> str:
    """12 hexadecimal digits that tell one key from another, and nothing of either."""
    return hmac.digest(key.encode(), b"fingerprint", hashlib.sha256).hex()[:12] if key else ""


def pseudonym(person: str, key: str) -> str:
    """A stand-in for a person's identity that cannot be turned back without the key.

    Returns:
        32 hexadecimal digits, or an empty text for an empty one.
    """
    return keyed_hash(key, "person", person).hex()[:32] if person else ""


def keyed_hash(key: str, purpose: str, text: str) -> bytes:
    """32 bytes that only who has the key can compute; other ones for each purpose."""
    return hmac.digest(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256)
