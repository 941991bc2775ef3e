"""Erases names from the texts that runs have written: reports, logs, and rows of databases."""

import re
from collections.abc import Iterator
from pathlib import Path

from customer_age.errors import RunError
from customer_age.files import addresses, leftovers, store

from .traces import ERASED

_OTHERS = ("models/", "registry/")
"""Folders of a work folder to skip; `predict` may be fetching a model into the first one now."""

_TEXTS = (".html", ".json", ".jsonl", ".csv", ".log", ".txt", ".md", ".yaml")


def named_in(root: str, pattern: re.Pattern[str]) -> list[str]:
    """Find the texts below a folder that name a subject.

    Args:
        root: path of a folder, or its URL in an object store.
        pattern: matches the names.
    """
    return [
        file
        for file in _below(root)
        if pattern.search(store.read(file).decode("utf-8", "surrogateescape"))
    ]


def erase(file: str, pattern: re.Pattern[str]) -> None:
    """Rewrite a text without the names, completely or not at all."""
    text = store.read(file).decode("utf-8", "surrogateescape")
    store.write_whole(file, pattern.sub(ERASED, text).encode("utf-8", "surrogateescape"))


def clear_half_written(root: str) -> int:
    """Delete the unfinished files of killed writers below a local folder; return how many."""
    if not addresses.is_remote(root) and Path(root).is_file():
        return 0
    files = [
        addresses.join(root, each.name)
        for each in leftovers.unfinished(root)
        if not each.name.startswith(_OTHERS)
    ]
    for file in files:
        store.delete(file)
    return len(files)


def erase_in_database(url: str, pattern: re.Pattern[str], dry_run: bool = False) -> int:
    """Rewrite the texts of a database's tables without the names.

    Args:
        url: a SQLAlchemy URL without a password.
        pattern: matches the names.
        dry_run: only count the rows.

    Returns:
        The number of rows that named the subject.

    Raises:
        RunError: the database cannot be read or written.
    """
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    address = sqlalchemy.make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    try:
        engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":  # erases overwritten data from free pages
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
            tables = sqlalchemy.MetaData()
            tables.reflect(connection)
            return sum(
                _erase_in_table(connection, table, pattern, dry_run)
                for table in tables.sorted_tables
            )
    except (SQLAlchemyError, ImportError) as error:
        shown = address.render_as_string(hide_password=True)
        line = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
        raise RunError(f"{shown}: cannot be searched for the subject to forget: {line}") from error


def _erase_in_table(connection, table, pattern: re.Pattern[str], dry_run: bool) -> int:  # type: ignore[no-untyped-def]
    import sqlalchemy

    # Keys identify rows, and never contain a photo's name.
    keys = list(table.primary_key.columns)
    texts = [
        column
        for column in table.columns
        if isinstance(column.type, sqlalchemy.String) and column not in keys
    ]
    if not keys or not texts:
        return 0
    count = 0
    for row in connection.execute(sqlalchemy.select(*keys, *texts)).all():
        values = row[len(keys) :]
        changed = {
            column: pattern.sub(ERASED, value)
            for column, value in zip(texts, values, strict=True)
            if isinstance(value, str) and pattern.search(value)
        }
        count += bool(changed)
        if changed and not dry_run:
            this = [key == value for key, value in zip(keys, row, strict=False)]
            connection.execute(sqlalchemy.update(table).where(*this).values(changed))
    return count


def _below(root: str) -> Iterator[str]:
    if not addresses.is_remote(root) and Path(root).is_file():
        yield root
        return
    for each in store.list(root):
        if each.name.endswith(_TEXTS):
            yield addresses.join(root, each.name)
