"""Versions in Vertex AI's Model Registry.

The files are uploaded to Cloud Storage first, each upload to its own folder, with the version's
metadata. Then Vertex AI creates the version in one step, which points to them. No model is
deployed.
"""

import functools
import itertools
import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from customer_age.errors import RunError, explained_by

from .. import google_errors
from ..registry import BASELINE_VERSION, CHAMPION, FINGERPRINT, ModelVersion, Publication
from ..version_store import VersionStore
from . import evaluation
from .address import VertexAddress
from .staging import Upload, Uploads, VersionDocument, is_ours, upload_of

if TYPE_CHECKING:
    import grpc
    from google.api_core.retry import Retry
    from google.cloud.aiplatform_v1 import ModelServiceClient
    from google.cloud.aiplatform_v1.types import Model

_DEFAULT = "default"
"""Vertex AI's alias of the version that is used by default. It moves together with `champion`."""

_ABANDONED_AFTER = timedelta(days=1)
"""Nobody knows whether a publisher on another machine is running; none takes this long."""

_UNREACHABLE_AFTER = 10
_GIVEN_UP_AFTER = 1800
"""Seconds."""

_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64

_log = logging.getLogger(__name__)


class VertexStore(VersionStore):
    """One model in Vertex AI's registry, and the folder of its uploads in Cloud Storage.

    Args:
        address: of the model and of the folder.
        channel: a connection without credentials to another server than Google's.
    """

    def __init__(self, address: VertexAddress, channel: "grpc.Channel | None" = None):
        self._address = address
        self._channel = channel
        self._uploads = Uploads()
        # Users who list versions do not need Google's notice about the end of this Python version.
        warnings.filterwarnings("ignore", "You are using a .*Python version", FutureWarning)

    @contextmanager
    def exclusive(self) -> Iterator[None]:  # noqa: D102
        self._clear_away_unfinished()
        yield

    @explained_by(google_errors.translate)
    def versions(self) -> list[ModelVersion]:  # noqa: D102
        models = self._models()
        uploads = self._uploads.found(_folder(self._upload(each)) for each in models)
        return [
            self._version(each, self._upload(each), uploads.get(self._upload(each), Upload()))
            for each in models
        ]

    @explained_by(google_errors.translate)
    def champion(self) -> str | None:  # noqa: D102
        models = self._models()
        return next((each.version_id for each in models if CHAMPION in each.version_aliases), None)

    @explained_by(google_errors.translate)
    def set_champion(self, version: str) -> None:  # noqa: D102
        self._client.merge_version_aliases(
            name=self._resource(version),
            version_aliases=[CHAMPION, _DEFAULT],
            retry=self._patience,
        )
        _log.info("%s: alias set to version %s", self._address.model, version)

    @explained_by(google_errors.translate)
    def add(self, publication: Publication) -> None:  # noqa: D102
        tags = {
            **publication.tags,
            FINGERPRINT: publication.fingerprint,
            BASELINE_VERSION: publication.baseline_version,
        }
        staging = self._address.staging
        _log.info("%s: uploading %s to %s", self._address.model, publication.model_dir, staging)
        upload = self._uploads.put(staging, publication, tags)
        _log.info("%s: uploaded as %s", self._address.model, upload)
        version = self._make_version(upload, tags, publication.description)
        _log.info("%s: version %s is created", self._address.model, version)
        self._import_evaluation(version, upload)

    @explained_by(google_errors.translate)
    def remove(self, version: str) -> None:  # noqa: D102
        from google.api_core.exceptions import NotFound

        for each in self._models():
            if each.version_id == version:
                with suppress(NotFound):
                    self._client.delete_model_version(name=self._resource(version)).result()
                self._uploads.delete(self._upload(each))

    @explained_by(google_errors.translate)
    def set_tag(self, version: str, name: str, value: str) -> None:  # noqa: D102
        self._uploads.set_tag(self._upload(self._model(version)), name, value)
        _log.info("%s: version %s tagged %s", self._address.model, version, name)

    @explained_by(google_errors.translate)
    def delete_tag(self, version: str, name: str) -> None:  # noqa: D102
        self._uploads.delete_tag(self._upload(self._model(version)), name)

    @explained_by(google_errors.translate)
    def download(self, version: str, folder: Path) -> None:  # noqa: D102
        self._uploads.fetch(self._model(version).artifact_uri.rstrip("/"), folder)

    @functools.cached_property
    def _client(self) -> "ModelServiceClient":
        from google.cloud.aiplatform_v1 import ModelServiceClient
        from google.cloud.aiplatform_v1.services.model_service.transports import (
            ModelServiceGrpcTransport,
        )

        if self._channel is not None:
            return ModelServiceClient(transport=ModelServiceGrpcTransport(channel=self._channel))
        return ModelServiceClient(client_options={"api_endpoint": self._address.endpoint})

    @functools.cached_property
    def _patience(self) -> "Retry":
        """The retries of requests that may be sent twice."""
        from google.api_core.exceptions import Aborted, ServiceUnavailable
        from google.api_core.retry import Retry, if_exception_type

        return Retry(
            predicate=if_exception_type(ServiceUnavailable, Aborted), timeout=_UNREACHABLE_AFTER
        )

    def _resource(self, version: str) -> str:
        return f"{self._address.name}@{version}"

    def _models(self) -> "list[Model]":
        """Return all versions, oldest first; in Vertex AI, the type of a version is Model."""
        from google.api_core.exceptions import NotFound

        try:
            models = list(
                self._client.list_model_versions(name=self._address.name, retry=self._patience)
            )
        except NotFound:  # nothing was ever published
            return []
        return sorted(models, key=lambda each: int(each.version_id))

    def _model(self, version: str) -> "Model":
        for each in self._models():
            if each.version_id == version:
                return each
        raise RunError(f"{self._address.model}: version {version} does not exist any more")

    def _upload(self, model: "Model") -> str:
        """Return the folder of a version's tags; a version of other tools has only tags there."""
        ours = upload_of(model.artifact_uri)
        return ours or f"{self._address.staging}/version-{model.version_id}"

    def _version(self, model: "Model", upload: str, found: Upload) -> ModelVersion:
        document = self._uploads.document(upload) if found.has_document else None
        document = document or VersionDocument(description=model.version_description)
        return ModelVersion(
            version=model.version_id,
            aliases=tuple(sorted(set(model.version_aliases) - {_DEFAULT})),
            created=datetime.fromtimestamp(model.version_create_time.timestamp(), timezone.utc),
            metrics=document.metrics,
            tags=found.tags,
            settings=document.settings,
            uri=self._resource(model.version_id),
            description=document.description,
        )

    def _make_version(self, upload: str, tags: Mapping[str, str], description: str) -> str:
        from google.api_core.exceptions import AlreadyExists
        from google.cloud.aiplatform_v1.types import Model, ModelContainerSpec

        model = Model(
            display_name=self._address.model,
            version_description=description,
            artifact_uri=self._uploads.artifact_uri(upload),
            container_spec=ModelContainerSpec(image_uri=self._address.serving_image),
            labels=_labels(tags),
        )
        if not self._models():
            with suppress(AlreadyExists):  # another publisher was faster
                return self._upload_model(model, model_id=self._address.model)
        return self._upload_model(model, parent_model=self._address.name)

    def _upload_model(self, model: "Model", **parent: str) -> str:
        from google.cloud.aiplatform_v1.types import UploadModelRequest

        request = UploadModelRequest(parent=self._address.parent, model=model, **parent)
        return self._client.upload_model(request).result(timeout=_GIVEN_UP_AFTER).model_version_id

    def _import_evaluation(self, version: str, upload: str) -> None:
        """Import the metrics for Vertex AI's pages; if this fails, the version stays."""
        from google.api_core.exceptions import GoogleAPIError

        metrics = self._uploads.document(upload).metrics
        try:
            evaluation.import_evaluation(self._client, self._resource(version), metrics)
        except GoogleAPIError as error:
            words = " ".join(str(error).split())
            _log.warning(
                "%s: Vertex AI shows no evaluation of version %s: %s",
                self._address.model,
                version,
                words,
            )
        else:
            self._uploads.set_evaluated(upload)

    @explained_by(google_errors.translate)
    def _clear_away_unfinished(self) -> None:
        """Delete the uploads of killed publishers, and complete those that have a version."""
        staging = self._address.staging
        # Listed before the versions, so that an upload that gets one meanwhile is not deleted.
        uploads = self._uploads.found([staging])
        models = {self._upload(each): each for each in self._models()}
        before = (datetime.now(timezone.utc) - _ABANDONED_AFTER).timestamp() * 1e9
        for upload, found in uploads.items():
            if not is_ours(upload):
                continue  # someone else's files
            if upload not in models and found.touched_ns < before:
                _log.info("%s: clearing away %s", self._address.model, upload)
                self._uploads.delete(upload)
            elif upload in models and found.has_document and not found.evaluated:
                self._import_evaluation(models[upload].version_id, upload)


def _folder(upload: str) -> str:
    return upload.rpartition("/")[0]


def _labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that are valid labels, by which Vertex AI's pages and filters find a version.

    They are never read back: Vertex AI mixes a version's labels with its model's.
    """
    fit = (
        (name, value)
        for name, value in tags.items()
        if _LABEL_KEY.fullmatch(name) and _LABEL_VALUE.fullmatch(value)
    )
    return dict(itertools.islice(fit, _MOST_LABELS))
