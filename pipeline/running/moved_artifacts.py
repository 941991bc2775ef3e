"""Updates the artifacts of a moved or copied work folder: ML Metadata has absolute paths."""

import re
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

_LOCATION = re.compile(r"(?P<root>/.*/pipeline)(?P<below>/[^/]+/[^/]+/[0-9]+(/.*)?)", re.DOTALL)
"""TFX's name of an output folder: `<pipeline root>/<node>/<output>/<execution>`."""


def record_present_places(store: MetadataStore, pipeline_root: Path) -> int:
    """Update the paths of artifacts, so that no run reads or writes at an earlier path.

    An artifact that is not in this folder is marked as deleted, so that it is produced again. Its
    earlier path may be empty, or be in the folder that this one was copied from.

    Args:
        store: the metadata of a work folder that the caller has locked.
        pipeline_root: the present path of the same work folder's pipeline root.

    Returns:
        The number of artifacts whose path changed.
    """
    moved = []
    for artifact in store.get_artifacts():
        location = _LOCATION.fullmatch(artifact.uri)
        if location is None or _is(location["root"], pipeline_root):
            continue
        present = pipeline_root / location["below"].lstrip("/")
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
    """Return whether a path is this folder, perhaps through a link."""
    recorded = Path(root)
    return recorded == pipeline_root or (
        recorded.exists() and pipeline_root.exists() and recorded.samefile(pipeline_root)
    )
