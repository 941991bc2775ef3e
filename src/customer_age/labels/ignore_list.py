"""`ignore_list.txt` in a data folder: photos that are left out, as if they were in no table."""

from collections.abc import Set

from customer_age.errors import SettingsError
from customer_age.files import Folder, file_names

from .tables.dialect import decoded

IGNORE_LIST = "ignore_list.txt"
"""One file name a line."""


def read(folder: Folder) -> frozenset[str]:
    """Read the names on the list, in the form that `holds` compares; none if there is no list.

    Raises:
        SettingsError: the list cannot be read.
    """
    if not folder.has_file(IGNORE_LIST):
        return frozenset()
    try:
        with folder.open(IGNORE_LIST) as file:
            text = decoded(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{folder.shown(IGNORE_LIST)}: cannot be read: {error}") from error
    return frozenset(_comparable(line.strip()) for line in text.splitlines() if line.strip())


def holds(ignored: Set[str], file_name: str) -> bool:
    """Return whether a name in a table is on the list; Unicode forms of a name are the same."""
    return bool(ignored) and bool(file_name) and _comparable(file_name) in ignored


def _comparable(file_name: str) -> str:
    return file_names.composed(file_names.relative("", file_name))
