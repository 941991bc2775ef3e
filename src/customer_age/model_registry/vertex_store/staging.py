"""Files of models in Cloud Storage, and what Vertex AI has no room for.

Vertex AI takes no text as a label, and changes nothing else of a version but its description. So
beside the files of a model lies a document of its version. An upload is a folder:

    saved_model/...   what Vertex AI is pointed at
    story.json        metrics, settings and description
    tags/NAME         an empty object; its metadata hold the value
    evaluated         there once Vertex AI has the metrics

Each tag is an object of its own: to write it is one step, and nobody overwrites another one's.
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
    """What was published with a version and never changes."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass
class Upload:
    """What lies in the folder of an upload.

    Attributes:
        tags: name to value.
        has_document: whether there is a `VersionDocument`.
        evaluated: whether Vertex AI has the metrics.
        touched_ns: when something was put there last, nanoseconds since 1970.
    """

    tags: dict[str, str] = field(default_factory=dict)
    has_document: bool = False
    evaluated: bool = False
    touched_ns: int = 0

    def note(self, name: str, entry: Entry) -> None:
        """Take in that a file of this name lies in the folder."""
        self.touched_ns = max(self.touched_ns, entry.modified_ns)
        if name.startswith(_TAGS):
            self.tags[name.removeprefix(_TAGS)] = entry.note
        self.has_document |= name == _DOCUMENT
        self.evaluated |= name == _EVALUATED


def upload_of(artifact_uri: str) -> str | None:
    """The folder of the upload that a version was made from, if it was one of ours."""
    ours = _OURS.fullmatch(artifact_uri)
    return ours["upload"] if ours else None


def is_ours(upload: str) -> bool:
    """Whether a folder has the name of an upload, or of the tags of a version made by hand."""
    return _NAME.fullmatch(upload.rpartition("/")[2]) is not None


class Uploads:
    """Uploads in Cloud Storage, each known by the URI of its folder."""

    def __init__(self) -> None:
        self._documents: dict[str, VersionDocument] = {}

    def put(self, staging: str, publication: Publication, tags: Mapping[str, str]) -> str:
        """Upload a model and the document of its version.

        Args:
            staging: the folder for uploads.
            publication: the model.
            tags: of the version to be.

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
        """The folder of the SavedModel."""
        return f"{upload}/{_SAVED_MODEL}"

    def found(self, folders: Iterable[str]) -> dict[str, Upload]:
        """The uploads in some folders, by their own folders; without those that hold nothing."""
        uploads: dict[str, Upload] = defaultdict(Upload)
        for folder in set(folders):
            for entry in store.list(folder):
                upload, _, name = entry.name.partition("/")
                uploads[f"{folder}/{upload}"].note(name, entry)
        return dict(uploads)

    def document(self, upload: str) -> VersionDocument:
        """What was published with an upload; empty where another publisher just deleted it."""
        if upload not in self._documents:
            try:
                content = store.read(f"{upload}/{_DOCUMENT}")
            except FileNotFoundError:
                return VersionDocument()
            self._documents[upload] = VersionDocument(**json.loads(content))
        return self._documents[upload]

    def set_tag(self, upload: str, name: str, value: str) -> None:
        """Write a tag, over the one of that name."""
        store.write_note(f"{upload}/{_TAGS}{name}", value)

    def delete_tag(self, upload: str, name: str) -> None:
        """Delete a tag, which may not be there."""
        store.delete(f"{upload}/{_TAGS}{name}")

    def set_evaluated(self, upload: str) -> None:
        """Note that Vertex AI has the metrics."""
        store.write_whole(f"{upload}/{_EVALUATED}", b"")

    def delete(self, upload: str) -> None:
        """Delete an upload, which another publisher may be deleting too."""
        store.delete(upload, folder=True)

    def fetch(self, artifact_uri: str, folder: Path) -> None:
        """Copy a SavedModel from its location in Vertex AI into an empty folder.

        Raises:
            FileNotFoundError: nothing lies there.
        """
        if not (artifact_uri and store.copy_folder(artifact_uri, str(folder))):
            raise FileNotFoundError(f"{artifact_uri} holds no files")
