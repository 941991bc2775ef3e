"""The curated TFDV schema of an ingested example."""

import hashlib
import os
from pathlib import Path

SCHEMA_FILE = Path(__file__).parent / "photos.pbtxt"


def schema_uri(pipeline_root: str) -> str:
    """Where a pipeline imports the schema from: a folder named after its content.

    An imported artifact is told apart by its URI, so an edited schema is a new artifact, and what
    was validated against the old one is validated again.
    """
    digest = hashlib.sha256(SCHEMA_FILE.read_bytes()).hexdigest()[:12]
    return f"{pipeline_root.rstrip('/')}/schema/{digest}"


def put_schema(pipeline_root: str) -> None:
    """Copy the schema to its URI, where TFX components read it (one file, alone in its folder)."""
    folder = Path(schema_uri(pipeline_root))
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder.parent / f".{folder.name}.{os.getpid()}"
    unfinished.write_bytes(SCHEMA_FILE.read_bytes())
    unfinished.replace(folder / "schema.pbtxt")
