"""The ledger's revisions, as alembic reads them: by their place, not as modules."""
