"""The pseudonym of a person, which is a keyed hash, and its secret key.

The key is in a file, on a cluster in a mounted file; settings, parameters and metadata contain only
its path. Only a person who has the file can find the photos of a known card, as `forget` must.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from customer_age.errors import SettingsError

MIN_LENGTH = 16
"""Characters; a shorter key can be guessed, and then every card number can be guessed."""


def read(path: str) -> str:
    """Read the key.

    Raises:
        SettingsError: the file does not exist, cannot be read, or the key is too short.
    """
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise SettingsError(
            f"data.person_key_file: {path}: {reason}; the table names persons, and their "
            "pseudonyms need this secret key: set the path of a key file, the same for every run"
        ) from error
    if len(key) < MIN_LENGTH:
        raise SettingsError(
            f"data.person_key_file: {path}: the key is shorter than {MIN_LENGTH} characters; "
            "create one with `openssl rand -hex 32`"
        )
    return key


def make(path: str) -> None:
    """Write a random key that only its owner can read, unless there is one.

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
        # A link to a name that is taken fails: if two processes create a key, the first one stays.
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
    """Return 12 hexadecimal digits that distinguish keys and reveal nothing about them."""
    return hmac.digest(key.encode(), b"fingerprint", hashlib.sha256).hex()[:12] if key else ""


def pseudonym(person: str, key: str) -> str:
    """Return a person's pseudonym, which cannot be reversed without the key.

    Returns:
        32 hexadecimal digits, or an empty text for an empty one.
    """
    return keyed_hash(key, "person", person).hex()[:32] if person else ""


def keyed_hash(key: str, purpose: str, text: str) -> bytes:
    """Return 32 bytes that only an owner of the key can compute; they differ for each purpose."""
    return hmac.digest(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256)
