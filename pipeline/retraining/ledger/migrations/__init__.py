"""The ledger's revisions; alembic reads them by file path, not as modules."""
