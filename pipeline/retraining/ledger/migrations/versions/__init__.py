"""One file for each revision of the ledger's tables; a revision that was released never changes."""
