"""Tombstones in the inbox: they keep forgotten persons out of all later batches.

`<inbox>/_forgotten/<person hash>` is a person's tombstone, `<inbox>/_forgotten/captured_before` is
one for all photos before a date. Each holds the fingerprint of the key of the hashes: with another
key nobody would be recognised. A file with any other name is not a tombstone.
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
"""Release 0.1's name of an unfinished tombstone, which a killed process left."""


@dataclass(frozen=True)
class Forgotten:
    """The persons and photos that no run may train on.

    Attributes:
        persons: keyed hashes.
        captured_before: an ISO date, or empty; photos taken before it are forgotten.
        key: the fingerprint of the key of the hashes, or empty.
    """

    persons: frozenset[str] = frozenset()
    captured_before: str = ""
    key: str = ""

    def covers(self, person: str, captured: str) -> bool:
        """Return whether a photo is forgotten.

        Args:
            person: the keyed hash, or empty.
            captured: an ISO date, or empty if it is not known.
        """
        return person in self.persons or ("" < captured < self.captured_before)

    def fingerprint(self) -> str:
        """Return a digest that changes with every tombstone; empty if there are none."""
        if not self.persons and not self.captured_before:
            return ""
        text = json.dumps([sorted(self.persons), self.captured_before])
        return hashlib.sha256(text.encode()).hexdigest()


NOBODY = Forgotten()


def read(inbox: str) -> Forgotten:
    """Read the tombstones of an inbox.

    Args:
        inbox: a folder or an address in an object store; it may be missing.

    Raises:
        SettingsError: a tombstone cannot be read.
    """
    folder = folders.open_if_there(addresses.join(inbox, FOLDER))
    if folder is None:
        return NOBODY
    names = sorted(name for name, _ in folder.files(""))
    persons = frozenset(filter(_PERSON.fullmatch, names))
    before = _content(folder, CAPTURED_BEFORE, "date") if CAPTURED_BEFORE in names else ""
    # All have the same key: none is written with another key than the existing ones.
    key = _content(folder, min(persons), "key") if persons else ""
    return Forgotten(persons, before, key)


def clear_half_written(inbox: str) -> None:
    """Delete the unfinished tombstones of killed writers.

    Raises:
        OSError: one cannot be deleted.
    """
    address = addresses.join(inbox, FOLDER)
    names = [each.name for each in store.list(address) if _HALF_WRITTEN.fullmatch(each.name)]
    for name in (*names, *(each.name for each in leftovers.unfinished(address))):
        store.delete(addresses.join(address, name))


def require_key(forgotten: Forgotten, key: str) -> None:
    """Check that the key recognises forgotten persons.

    Raises:
        SettingsError: the tombstones were written with another key.
    """
    if forgotten.key and forgotten.key != pseudonyms.fingerprint(key):
        raise SettingsError(
            "data.person_key_file: not the key that the tombstones in the inbox were written "
            "with; with this key, forgotten persons would come back. Use the former key"
        )


def write_person(inbox: str, person: str, key: str) -> None:
    """Write a person's tombstone; a second write changes nothing.

    Args:
        inbox: a folder or an address in an object store.
        person: the keyed hash.
        key: the key of the hash.
    """
    _write(inbox, person, {"key": pseudonyms.fingerprint(key)})


def write_captured_before(inbox: str, day: date) -> None:
    """Forget all photos taken before a day, unless a later day is already set.

    Args:
        inbox: a folder or an address in an object store.
        day: photos that were taken on this day stay.
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
            f"({type(error).__name__}); restore it from a copy, or delete it and run "
            "`customer-age forget` for it again"
        ) from error
