"""A folder that plays the object store, and the local paths at which a pod sees its objects.

Rules of backend/src/v2/objectstore/{config,object_store}.go, and of LocalPathForURI in
backend/src/v2/component/launcher_v2.go.
"""

import re
import shutil
from pathlib import Path

from .documents import Refused

_MOUNTS = {"gs": "gcs", "minio": "minio", "s3": "s3"}
_BUCKET = re.compile(r"([a-z][a-z0-9]+)://([^/?]+)(/[^?]*)?(\?.+)?")


class Objects:
    """Objects are at `<folder>/<scheme>/<bucket>/<key>`."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, uri: str) -> Path:
        """Return the path of an object, or of a 'folder' of objects, on this machine."""
        scheme, bucket, key = parts(uri)
        return self.folder / scheme / bucket / key.strip("/")

    def download(self, uri: str, root: Path) -> None:
        """DownloadBlob: every object under a URI; a missing object is not an error."""
        source, target = self.path(uri), root / local_path(uri).lstrip("/")
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        for file in sorted(source.rglob("*")):
            if file.is_file():
                place = target / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)

    def upload(self, uri: str, root: Path) -> bool:
        """UploadBlob: a file or a folder; gives False where the container left neither."""
        source, target = root / local_path(uri).lstrip("/"), self.path(uri)
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        for file in sorted(source.rglob("*")):
            if file.is_file():
                place = target / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)
        return source.exists()


def parts(uri: str) -> tuple[str, str, str]:
    """Scheme, bucket and key: ParseBucketPathToConfig."""
    match = _BUCKET.fullmatch(uri)
    if match is None:
        raise Refused(f'parse bucket config failed: unrecognized uri format: "{uri}"')
    if match[1] not in _MOUNTS:
        raise Refused(f'parse bucket config failed: unsupported Cloud bucket: "{uri}"')
    return match[1], match[2], match[3] or ""


def local_path(uri: str) -> str:
    """Where a pod sees an object."""
    scheme, _, rest = uri.partition("://")
    if scheme not in _MOUNTS:
        raise Refused(f"failed to generate local path for URI {uri}: unsupported storage scheme")
    return f"/{_MOUNTS[scheme]}/{rest}"
