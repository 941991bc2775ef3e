"""What alembic runs to reach the ledger: over the connection of who opened it, or by hand.

By hand, it is `sqlalchemy.url` of an `alembic.ini`; see `docs/retraining.md`.
"""

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, make_url, text

REVISION_TABLE = "retraining_revision"
"""Not `alembic_version`: MLflow's tables may lie in the same database, and have that one."""


def migrate(connection: Connection) -> None:
    """Run the revisions that are missing, in the transaction that the connection is in."""
    context.configure(
        connection=connection,
        version_table=REVISION_TABLE,
        version_table_schema=_schema(connection),
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_by_hand(address: str) -> None:
    """The same over a connection of its own; with `--sql`, print what would be run."""
    url = make_url(address)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if context.is_offline_mode():
        context.configure(url=url, version_table=REVISION_TABLE, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    sqlite = url.get_backend_name() == "sqlite"
    # Left alone, Python's driver commits each change of a table by itself.
    options = {"isolation_level": None} if sqlite else {}
    with create_engine(url, poolclass=NullPool, connect_args=options).begin() as connection:
        if sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        migrate(connection)


def _schema(connection: Connection) -> str | None:
    """Where PostgreSQL finds the ledger's tables; None where there are none yet, or no schemas."""
    if connection.dialect.name != "postgresql":
        return None
    found = text(
        "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
        "WHERE pg_class.oid = to_regclass('retraining_runs')"
    )
    return connection.scalar(found)


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    migrate_by_hand(str(context.config.get_main_option("sqlalchemy.url")))
