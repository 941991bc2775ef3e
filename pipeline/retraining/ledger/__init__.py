"""The ledger: the state of each batch and each run, in SQLite or PostgreSQL."""
