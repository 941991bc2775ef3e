"""Store models' files in Cloud Storage, and the metadata that Vertex AI cannot store.

Vertex AI accepts no free text as a label, and only the description of a version can be changed. So
each model's files have a document of the version next to them. An upload is a folder:

    saved_model/...   the folder to which Vertex AI's version points
    story.json        metrics, settings and description
    tags/NAME         an empty object; its metadata contain the value
    evaluated         exists after Vertex AI has imported the metrics

Each tag is a separate object: it is written in one step, and no publisher overwrites other tags.
"""

import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from customer_age.files import Entry, store

from ..registry import Publication

_SAVED_MODEL = "saved_model"
_DOCUMENT = "story.json"
_TAGS = "tags/"
_EVALUATED = "evaluated"

_OURS = re.compile(rf"(?P<upload>gs://.+/[0-9a-f]{{16}}-[0-9a-f]{{8}})/{_SAVED_MODEL}/?")

_NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}|version-\d+")


@dataclass(frozen=True)
class VersionDocument:
    """The published metadata of a version, which never change."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass
class Upload:
    """The content of an upload's folder.

    Attributes:
        tags: name to value.
        has_document: whether there is a `VersionDocument`.
        evaluated: whether Vertex AI has the metrics.
        touched_ns: when an object in it was last written, nanoseconds since 1970.
    """

    tags: dict[str, str] = field(default_factory=dict)
    has_document: bool = False
    evaluated: bool = False
    touched_ns: int = 0

    def note(self, name: str, entry: Entry) -> None:
        """Record a file of this name in the folder."""
        self.touched_ns = max(self.touched_ns, entry.modified_ns)
        if name.startswith(_TAGS):
            self.tags[name.removeprefix(_TAGS)] = entry.note
        self.has_document |= name == _DOCUMENT
        self.evaluated |= name == _EVALUATED


def upload_of(artifact_uri: str) -> str | None:
    """Return the folder of a version's upload, or None if the version is not ours."""
    ours = _OURS.fullmatch(artifact_uri)
    return ours["upload"] if ours else None


def is_ours(upload: str) -> bool:
    """Return whether a folder is an upload, or contains the tags of a version made by hand."""
    return _NAME.fullmatch(upload.rpartition("/")[2]) is not None


class Uploads:
    """Uploads in Cloud Storage, each identified by the URI of its folder."""

    def __init__(self) -> None:
        self._documents: dict[str, VersionDocument] = {}

    def put(self, staging: str, publication: Publication, tags: Mapping[str, str]) -> str:
        """Upload a model and the document of its version.

        Args:
            staging: the folder for uploads.
            publication: the model.
            tags: of the new version.

        Returns:
            The folder of the upload, a new one each time.
        """
        upload = f"{staging}/{publication.fingerprint}-{secrets.token_hex(4)}"
        store.copy_folder(str(publication.model_dir), self.artifact_uri(upload))
        document = {
            "metrics": dict(publication.metrics),
            "settings": dict(publication.settings),
            "description": publication.description,
        }
        store.write_whole(f"{upload}/{_DOCUMENT}", json.dumps(document).encode())
        for name, value in tags.items():
            self.set_tag(upload, name, value)
        return upload

    @staticmethod
    def artifact_uri(upload: str) -> str:
        """Return the folder of the SavedModel."""
        return f"{upload}/{_SAVED_MODEL}"

    def found(self, folders: Iterable[str]) -> dict[str, Upload]:
        """Return the uploads in some folders, by the URI of each; without empty ones."""
        uploads: dict[str, Upload] = defaultdict(Upload)
        for folder in set(folders):
            for entry in store.list(folder):
                upload, _, name = entry.name.partition("/")
                uploads[f"{folder}/{upload}"].note(name, entry)
        return dict(uploads)

    def document(self, upload: str) -> VersionDocument:
        """Return the published metadata of an upload; empty if another publisher deleted it."""
        if upload not in self._documents:
            try:
                content = store.read(f"{upload}/{_DOCUMENT}")
            except FileNotFoundError:
                return VersionDocument()
            self._documents[upload] = VersionDocument(**json.loads(content))
        return self._documents[upload]

    def set_tag(self, upload: str, name: str, value: str) -> None:
        """Write a tag, and replace an old value."""
        store.write_note(f"{upload}/{_TAGS}{name}", value)

    def delete_tag(self, upload: str, name: str) -> None:
        """Delete a tag if it exists."""
        store.delete(f"{upload}/{_TAGS}{name}")

    def set_evaluated(self, upload: str) -> None:
        """Record that Vertex AI has imported the metrics."""
        store.write_whole(f"{upload}/{_EVALUATED}", b"")

    def delete(self, upload: str) -> None:
        """Delete an upload; another publisher may delete it at the same time."""
        store.delete(upload, folder=True)

    def fetch(self, artifact_uri: str, folder: Path) -> None:
        """Copy a SavedModel from Vertex AI's recorded location into an empty folder.

        Raises:
            FileNotFoundError: there are no files.
        """
        if not (artifact_uri and store.copy_folder(artifact_uri, str(folder))):
            raise FileNotFoundError(f"{artifact_uri} contains no files")
