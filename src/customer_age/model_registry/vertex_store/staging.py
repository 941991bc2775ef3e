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
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..registry import Publication

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

_SAVED_MODEL = "saved_model"
_DOCUMENT = "story.json"
_TAGS = "tags/"
_EVALUATED = "evaluated"
_VALUE = "value"

_OURS = re.compile(rf"(?P<upload>gs://.+/[0-9a-f]{{16}}-[0-9a-f]{{8}})/{_SAVED_MODEL}/?")


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
        touched: when something was put there last, with its time zone.
    """

    tags: dict[str, str] = field(default_factory=dict)
    has_document: bool = False
    evaluated: bool = False
    touched: datetime = datetime.min.replace(tzinfo=timezone.utc)


def upload_of(artifact_uri: str) -> str | None:
    """The folder of the upload that a version was made from, if it was one of ours."""
    ours = _OURS.fullmatch(artifact_uri)
    return ours["upload"] if ours else None


class Uploads:
    """Uploads in Cloud Storage, each known by the URI of its folder."""

    def __init__(self, project: str):
        self._project = project
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
        model = publication.model_dir
        for file in sorted(each for each in model.rglob("*") if each.is_file()):
            blob = self._blob(f"{self.artifact_uri(upload)}/{file.relative_to(model).as_posix()}")
            blob.upload_from_filename(str(file), retry=_always())
        document = {
            "metrics": dict(publication.metrics),
            "settings": dict(publication.settings),
            "description": publication.description,
        }
        self._write(f"{upload}/{_DOCUMENT}", json.dumps(document))
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
            for blob in self._blobs(folder, "items(name,metadata,updated),nextPageToken"):
                name, _, rest = _below(folder, blob).partition("/")
                _note(uploads[f"{folder}/{name}"], rest, blob)
        return dict(uploads)

    def document(self, upload: str) -> VersionDocument:
        """What was published with an upload; empty where another publisher just deleted it."""
        from google.api_core.exceptions import NotFound

        if upload not in self._documents:
            try:
                content = self._blob(f"{upload}/{_DOCUMENT}").download_as_bytes()
            except NotFound:
                return VersionDocument()
            self._documents[upload] = VersionDocument(**json.loads(content))
        return self._documents[upload]

    def set_tag(self, upload: str, name: str, value: str) -> None:
        """Write a tag, over the one of that name."""
        self._write(f"{upload}/{_TAGS}{name}", "", {_VALUE: value})

    def delete_tag(self, upload: str, name: str) -> None:
        """Delete a tag, which may not be there."""
        blob = self._blob(f"{upload}/{_TAGS}{name}")
        blob.bucket.delete_blobs([blob], on_error=lambda _: None, retry=_always())

    def set_evaluated(self, upload: str) -> None:
        """Note that Vertex AI has the metrics."""
        self._write(f"{upload}/{_EVALUATED}", "")

    def delete(self, upload: str) -> None:
        """Delete an upload, which another publisher may be deleting too."""
        blobs = list(self._blobs(upload, "items(name),nextPageToken"))
        if blobs:
            blobs[0].bucket.delete_blobs(blobs, on_error=lambda _: None, retry=_always())

    def fetch(self, artifact_uri: str, folder: Path) -> None:
        """Copy a SavedModel, from wherever Vertex AI says it lies, into an empty folder.

        Raises:
            FileNotFoundError: nothing lies there.
        """
        names = []
        there = self._blobs(artifact_uri, "items(name),nextPageToken") if artifact_uri else ()
        for blob in there:
            name = _below(artifact_uri, blob)
            if name.endswith("/"):  # what the console makes of an empty folder
                continue
            names.append(name)
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            blob.download_to_filename(str(file))
        if not names:
            raise FileNotFoundError(f"{artifact_uri} holds no files")

    @cached_property
    def _client(self) -> "Client":
        from google.cloud.storage import Client

        return Client(project=self._project)

    def _blob(self, uri: str) -> "Blob":
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        return self._client.bucket(bucket).blob(name)

    def _blobs(self, folder: str, fields: str) -> "Iterable[Blob]":
        bucket, _, path = folder.removeprefix("gs://").partition("/")
        return self._client.list_blobs(bucket, prefix=f"{path}/", fields=fields)

    def _write(self, uri: str, content: str, metadata: Mapping[str, str] | None = None) -> None:
        blob = self._blob(uri)
        if metadata:
            blob.metadata = metadata
        blob.upload_from_string(content, retry=_always())


def _below(folder: str, blob: "Blob") -> str:
    return f"gs://{blob.bucket.name}/{blob.name}".removeprefix(f"{folder}/")


def _note(upload: Upload, name: str, blob: "Blob") -> None:
    upload.touched = max(upload.touched, blob.updated)
    if name.startswith(_TAGS):
        # Whether Cloud Storage gives empty values back, its pages do not say.
        value = (blob.metadata or {}).get(_VALUE, "")
        upload.tags[name.removeprefix(_TAGS)] = value
    upload.has_document |= name == _DOCUMENT
    upload.evaluated |= name == _EVALUATED


def _always() -> object:
    """Try again where the network fails: to write or delete an object twice does no harm."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY
