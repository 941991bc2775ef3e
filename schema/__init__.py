"""The contract of an ingested example: its feature names and its curated TFDV schema."""
