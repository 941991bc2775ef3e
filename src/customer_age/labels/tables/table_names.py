"""Find the file of a table by its name, in each format that people use."""

from collections.abc import Callable

from customer_age.errors import SettingsError

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
"""Suffixes of tables that are read."""

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
"""Suffixes of workbooks, which are not read."""

HasFile = Callable[[str], bool]


def table_named(stem: str, has_file: HasFile, location: str) -> str | None:
    """Return the file name of a table in any format, or None if there is none.

    Args:
        stem: its name without the suffix.
        has_file: returns whether there is a file of a name.
        location: the folder, for messages.

    Raises:
        SettingsError: there are several such files.
    """
    there = [f"{stem}{suffix}" for suffix in SUFFIXES if has_file(f"{stem}{suffix}")]
    unread = workbooks_named(stem, has_file)
    if len(there) > 1:
        raise SettingsError(f"{location}: found {' and '.join(there)}; keep only one of them")
    if there and unread:
        raise SettingsError(
            f"{location}: found {there[0]} and {unread[0]}; keep only one of them; "
            f"{not_read(unread[0])}"
        )
    return there[0] if there else None


def workbooks_named(stem: str, has_file: HasFile) -> list[str]:
    """Return the workbooks with a table's name."""
    return [f"{stem}{suffix}" for suffix in WORKBOOKS if has_file(f"{stem}{suffix}")]


def not_read(name: str) -> str:
    """Return a sentence that a workbook is not read, and what to do."""
    stem, _, suffix = name.rpartition(".")
    return (
        f".{suffix} files are not read: open it and save the sheet as {stem}.csv in the format "
        "'CSV UTF-8 (comma delimited)'"
    )
