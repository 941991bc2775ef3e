"""The curated TFDV schema of an ingested example."""

from pathlib import Path

SCHEMA_FILE = Path(__file__).parent / "photos.pbtxt"
