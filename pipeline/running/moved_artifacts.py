"""Artifacts of a work folder that was moved or copied: ML Metadata knows them by absolute paths."""

import re
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

_PLACE = re.compile(r"(?P<root>/.*/pipeline)(?P<below>/[^/]+/[^/]+/[0-9]+(/.*)?)", re.DOTALL)
"""As TFX names the folder of an output: `<pipeline root>/<node>/<output>/<execution>`."""


def record_present_places(store: MetadataStore, pipeline_root: Path) -> int:
    """Record where artifacts lie by now, so that no run reads or writes at an earlier path.

    One that does not lie here is marked as deleted, and made anew: at its earlier path there may
    be nothing, or the folder that this one was copied from.

    Args:
        store: the metadata of a work folder, which the caller holds.
        pipeline_root: of the same work folder, as it is called now.

    Returns:
        How many artifacts had another place.
    """
    moved = []
    for artifact in store.get_artifacts():
        place = _PLACE.fullmatch(artifact.uri)
        if place is None or _is(place["root"], pipeline_root):
            continue
        present = pipeline_root / place["below"].lstrip("/")
        if present.exists():
            artifact.uri = str(present)
        elif artifact.state == mlmd.Artifact.DELETED:
            continue
        else:
            artifact.state = mlmd.Artifact.DELETED
        moved.append(artifact)
    if moved:
        store.put_artifacts(moved)
    return len(moved)


def _is(root: str, pipeline_root: Path) -> bool:
    """Whether that path is this folder, perhaps through a link."""
    recorded = Path(root)
    return recorded == pipeline_root or (
        recorded.exists() and pipeline_root.exists() and recorded.samefile(pipeline_root)
    )
