"""Alembic's environment: migrates the ledger over an open connection, or by hand.

By hand, the address is `sqlalchemy.url` of an `alembic.ini`; see `docs/retraining.md`.
"""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

REVISION_TABLE = "retraining_revision"
"""Not `alembic_version`: MLflow uses that name and may share the database."""


def migrate(connection: Connection) -> None:
    """Run the missing revisions in the connection's transaction."""
    context.configure(
        connection=connection,
        version_table=REVISION_TABLE,
        version_table_schema=_schema(connection),
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_by_hand(address: str) -> None:
    """Run the missing revisions over a new connection; with `--sql`, print the statements."""
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if context.is_offline_mode():
        context.configure(url=url, version_table=REVISION_TABLE, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    sqlite = url.get_backend_name() == "sqlite"
    # By default, Python's driver commits each change of a table by itself.
    options = {"isolation_level": None} if sqlite else {}
    with create_engine(url, poolclass=NullPool, connect_args=options).begin() as connection:
        if sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)


def _schema(connection: Connection) -> str | None:
    """Return the PostgreSQL schema of the ledger's tables; None without tables or schemas."""
    if connection.dialect.name != "postgresql":
        return None
    found = text(
        "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE pg_class.oid = to_regclass('retraining_runs')"
    )
    return connection.scalar(found)


open_connection = context.config.attributes.get("connection")
if open_connection is not None:
    migrate(open_connection)
else:
    migrate_by_hand(str(context.config.get_main_option("sqlalchemy.url")))
