"""What the file of a table is called, and which one is meant where several could be."""

from collections.abc import Callable

from customer_age.errors import SettingsError

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
"""Of files that can be read."""

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""Of files that people keep tables in, and that are not read."""

HasFile = Callable[[str], bool]


def table_named(stem: str, has_file: HasFile, where: str) -> str | None:
    """The table of a name, whatever it is saved as, or None where there is none.

    Args:
        stem: its name without the suffix.
        has_file: whether there is a file of a name.
        where: the folder, for people.

    Raises:
        SettingsError: several files could be meant.
    """
    there = [f"{stem}{suffix}" for suffix in SUFFIXES if has_file(f"{stem}{suffix}")]
    unread = workbooks_named(stem, has_file)
    if len(there) > 1:
        raise SettingsError(f"{where}: which one is it, {' or '.join(there)}? Keep one")
    if there and unread:
        raise SettingsError(
            f"{where}: which one is it, {there[0]} or {unread[0]}? Keep one; {not_read(unread[0])}"
        )
    return there[0] if there else None


def workbooks_named(stem: str, has_file: HasFile) -> list[str]:
    """Files of a table's name that are not read."""
    return [f"{stem}{suffix}" for suffix in WORKBOOKS if has_file(f"{stem}{suffix}")]


def not_read(name: str) -> str:
    """Say that a workbook is not read, and what to do."""
    stem, _, suffix = name.rpartition(".")
    return (
        f".{suffix} is not read: open it and save the sheet as {stem}.csv, of the kind "
        "'CSV UTF-8 (comma delimited)'"
    )
