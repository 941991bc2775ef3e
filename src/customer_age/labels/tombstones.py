"""Who is forgotten: tombstones in the inbox, so that no later batch brings a person back.

`<inbox>/_forgotten/<person hash>` is for a person, `<inbox>/_forgotten/captured_before` for all
photos before a date. Each holds the fingerprint of the key that the hash was made with: under
another key nobody would be recognised. A file with any other name is not a tombstone.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date

from customer_age.errors import SettingsError
from customer_age.files import Folder, addresses, folders, leftovers, store

from . import pseudonyms

FOLDER = "_forgotten"
CAPTURED_BEFORE = "captured_before"

_PERSON = re.compile("[0-9a-f]{32}")
_HALF_WRITTEN = re.compile(rf"({_PERSON.pattern}|{CAPTURED_BEFORE})\.[0-9a-f-]+")
"""What release 0.1 called a tombstone that it had not finished; a killed one left it."""


@dataclass(frozen=True)
class Forgotten:
    """What no run may learn from.

    Attributes:
        persons: keyed hashes.
        captured_before: an ISO date, or empty; photos taken before it are forgotten.
        key: the fingerprint of the key that the hashes were made with, or empty.
    """

    persons: frozenset[str] = frozenset()
    captured_before: str = ""
    key: str = ""

    def covers(self, person: str, captured: str) -> bool:
        """Whether a photo is forgotten.

        Args:
            person: the keyed hash, or empty.
            captured: an ISO date, or empty where it is not known.
        """
        return person in self.persons or ("" < captured < self.captured_before)

    def fingerprint(self) -> str:
        """Changes with every tombstone; empty where there are none."""
        if not self.persons and not self.captured_before:
            return ""
        text = json.dumps([sorted(self.persons), self.captured_before])
        return hashlib.sha256(text.encode()).hexdigest()


NOBODY = Forgotten()


def read(inbox: str) -> Forgotten:
    """Read the tombstones of an inbox.

    Args:
        inbox: a folder or an address in an object store; it need not be there.

    Raises:
        SettingsError: a tombstone cannot be read.
    """
    folder = folders.open_if_there(addresses.join(inbox, FOLDER))
    if folder is None:
        return NOBODY
    names = sorted(name for name, _ in folder.files(""))
    persons = frozenset(filter(_PERSON.fullmatch, names))
    before = _content(folder, CAPTURED_BEFORE, "date") if CAPTURED_BEFORE in names else ""
    # One speaks for all: none is written beside those of another key.
    key = _content(folder, min(persons), "key") if persons else ""
    return Forgotten(persons, before, key)


def clear_half_written(inbox: str) -> None:
    """Delete what killed writers of tombstones left.

    Raises:
        OSError: it cannot be deleted.
    """
    address = addresses.join(inbox, FOLDER)
    names = [each.name for each in store.list(address) if _HALF_WRITTEN.fullmatch(each.name)]
    for name in (*names, *(each.name for each in leftovers.unfinished(address))):
        store.delete(addresses.join(address, name))


def require_key(forgotten: Forgotten, key: str) -> None:
    """See that persons would be recognised.

    Raises:
        SettingsError: the tombstones were written under another key.
    """
    if forgotten.key and forgotten.key != pseudonyms.fingerprint(key):
        raise SettingsError(
            "data.person_key_file: not the key that the tombstones in the inbox were written "
            "with; under this one, forgotten persons would come back. Give the former key"
        )


def write_person(inbox: str, person: str, key: str) -> None:
    """Write a person's tombstone; written again, it stays.

    Args:
        inbox: a folder or an address in an object store.
        person: the keyed hash.
        key: the key that it was made with.
    """
    _write(inbox, person, {"key": pseudonyms.fingerprint(key)})


def write_captured_before(inbox: str, day: date) -> None:
    """Forget all photos taken before a day, unless a later day is written already.

    Args:
        inbox: a folder or an address in an object store.
        day: photos that were taken on it stay.
    """
    if read(inbox).captured_before < day.isoformat():
        _write(inbox, CAPTURED_BEFORE, {"date": day.isoformat()})


def _write(inbox: str, name: str, content: dict[str, str]) -> None:
    store.write_whole(addresses.join(inbox, FOLDER, name), json.dumps(content).encode())


def _content(folder: Folder, name: str, field: str) -> str:
    try:
        with folder.open(name) as file:
            return str(json.loads(file.read())[field])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{folder.shown(name)}: this tombstone is damaged or cannot be read "
            f"({type(error).__name__}); restore it from a copy, or delete it and call "
            "`customer-age forget` for it again"
        ) from error
