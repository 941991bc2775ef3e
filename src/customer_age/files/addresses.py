"""Paths and addresses of object stores: what can be said of one without asking the store."""

import os
from pathlib import PurePosixPath

from customer_age.errors import SettingsError

_ANSWERS_AWAITED = 32


class DataAway(SettingsError):
    """The data cannot be read from here; perhaps they can from elsewhere."""


def is_remote(address: str) -> bool:
    """Whether this is the address of an object store, such as `gs://bucket/key`, and no path."""
    return "://" in address


def join(address: str, *names: str) -> str:
    """Put names behind a path or an address, with `/` between, as Beam's file systems do."""
    if not is_remote(address):
        return os.path.join(address, *names)  # noqa: PTH118  a path is kept as it is written
    for name in names:
        address = f"{address.rstrip('/')}/{name.lstrip('/')}"
    return address


def at_once(address: str) -> int:
    """How many things are best asked of a place at the same time.

    A store takes its time to answer. A disk does not, and Python's threads would wait for each
    other: with as many, a look at 10,000 batches took three times as long.
    """
    return _ANSWERS_AWAITED if is_remote(address) else 1


def leads_out(file_name: str) -> bool:
    """Whether a name in a table would lead out of its folder."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or file_name[1:2] == ":"
