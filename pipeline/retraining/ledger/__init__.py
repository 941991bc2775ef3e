"""The ledger: what became of each batch and each run, in SQLite or PostgreSQL."""
