"""Versions in a Kubeflow Model Registry.

The registry stores only metadata. The files of a version are uploaded to an object store first,
under the model's fingerprint, so that the next upload replaces a killed one. A version is created
as `ARCHIVED` and marked as unfinished; one update then makes it `LIVE` with all its tags, and only
`LIVE` versions count. The next publisher of the same model continues the version that a killed
publisher left, so a model has one version.

A registered model and its versions store the alias, tags, metrics and settings as custom
properties, which the service replaces as a whole: if two publishers tag one version within
milliseconds, a tag may be lost. Publishers of different models tag different versions.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_age.errors import RunError

from ..registry import BASELINE_VERSION, CHAMPION, FINGERPRINT, ModelVersion, Publication
from ..version_store import VersionStore
from . import model_files
from .client import AlreadyExists, KubeflowService, listed

if TYPE_CHECKING:
    from mr_openapi import MetadataValue, ModelRegistryServiceApi, RegisteredModel
    from mr_openapi import ModelVersion as KubeflowVersion

_UNFINISHED = "unfinished"
"""Custom property of an unfinished version: the fingerprint of its model."""

_METRIC, _SETTING = "metric/", "setting/"
"""Prefixes of the custom properties of metrics and settings; tags have no prefix."""

_ARTIFACT = "saved_model"
"""The name of a version's one ModelArtifact."""

_ATTEMPTS = 10
"""Attempts to create a version while other publishers create the one with the next number."""

_log = logging.getLogger(__name__)


class KubeflowStore(VersionStore):
    """One registered model, and its files under an address such as `s3://bucket/models`."""

    def __init__(self, service: KubeflowService, artifacts: str, model_name: str):
        self._service = service
        self._artifacts = artifacts
        self._name = model_name

    @contextmanager
    def exclusive(self) -> Iterator[None]:  # noqa: D102
        # Others publish from other machines; `add` continues the work of killed ones.
        yield

    def versions(self) -> list[ModelVersion]:  # noqa: D102
        model, there = self._look_up()
        champion = _texts(model.custom_properties).get(CHAMPION) if model else None
        return [self._ours(each, champion) for each in there if each.state == "LIVE"]

    def champion(self) -> str | None:  # noqa: D102
        model = self._registered_model()
        return _texts(model.custom_properties).get(CHAMPION) if model else None

    def set_champion(self, version: str) -> None:  # noqa: D102
        from mr_openapi import RegisteredModelUpdate

        model = self._existing_model()
        update = RegisteredModelUpdate(
            custom_properties={**(model.custom_properties or {}), CHAMPION: _text(version)},
            state=model.state,
        )
        self._service.call(lambda api: api.update_registered_model(model.id, update))
        _log.info("%s: alias set to version %s", self._name, version)

    def add(self, publication: Publication) -> None:  # noqa: D102
        # Servers expect a SavedModel in a numbered folder: TensorFlow Serving accepts this address.
        address = f"{self._artifacts}/{self._name}/{publication.fingerprint}"
        _log.info("%s: uploading %s to %s", self._name, publication.model_dir, address)
        model_files.upload(publication.model_dir, f"{address}/1")
        _log.info("%s: uploaded", self._name)
        self._ensure_registered()
        version = self._existing_or_new(publication.fingerprint)
        if _is_unfinished(version):
            self._put_artifact(version, address)
            self._finish(version, publication)

    def remove(self, version: str) -> None:  # noqa: D102
        # The service cannot delete. The files stay, because a twin has the same ones.
        found = self._find(version)
        if found is not None:
            self._update(found, found.custom_properties or {}, state="ARCHIVED")

    def set_tag(self, version: str, name: str, value: str) -> None:  # noqa: D102
        found = self._existing(version)
        self._update(found, {**(found.custom_properties or {}), name: _text(value)})
        _log.info("%s: version %s tagged %s", self._name, version, name)

    def delete_tag(self, version: str, name: str) -> None:  # noqa: D102
        found = self._existing(version)
        properties = dict(found.custom_properties or {})
        if properties.pop(name, None) is not None:
            self._update(found, properties)

    def download(self, version: str, folder: Path) -> None:  # noqa: D102
        artifact = self._artifact(self._existing(version))
        if artifact is None or not artifact.uri:
            raise RunError(f"{self._name}: the registry has no files of version {version}")
        model_files.download(artifact.uri.rstrip("/"), folder)

    def _existing_or_new(self, fingerprint: str) -> "KubeflowVersion":
        """Return a model's version: an unfinished one, another publisher's, or a new one.

        Creating the version takes its name: the service refuses a second one with that name.
        """
        model = self._existing_model()
        for _ in range(_ATTEMPTS):
            _, there = self._look_up()
            for each in there:
                properties = _texts(each.custom_properties)
                finished = each.state == "LIVE" and properties.get(FINGERPRINT) == fingerprint
                if finished or properties.get(_UNFINISHED) == fingerprint:
                    return each
            numbers = (int(each.name) for each in there if each.name.isdecimal())
            with suppress(AlreadyExists):
                return self._make(model, max(numbers, default=0) + 1, fingerprint)
        raise RunError(f"{self._name}: too many publishers at once; run again")

    def _make(self, model: "RegisteredModel", number: int, fingerprint: str) -> "KubeflowVersion":
        from mr_openapi import ModelVersionCreate

        new = ModelVersionCreate(
            name=str(number),
            registered_model_id=model.id,
            custom_properties={_UNFINISHED: _text(fingerprint)},
            state="ARCHIVED",
        )
        return self._service.call(lambda api: api.create_model_version(new))

    def _put_artifact(self, version: "KubeflowVersion", address: str) -> None:
        """Record the location of the files where KServe and the service's pages read it."""
        from mr_openapi import Artifact, ModelArtifact, ModelArtifactUpdate

        files = {
            "uri": address,
            "model_format_name": "tensorflow",
            "model_format_version": "2",
            "state": "LIVE",
        }
        new = Artifact(ModelArtifact(name=_ARTIFACT, **files))
        try:
            self._service.call(lambda api: api.upsert_model_version_artifact(version.id, new))
        except AlreadyExists:
            there, update = self._artifact(version), ModelArtifactUpdate(**files)
            self._service.call(lambda api: api.update_model_artifact(there.id, update))

    def _finish(self, version: "KubeflowVersion", publication: Publication) -> None:
        """Make a version `LIVE` with all its metadata, in one update."""
        if not _is_unfinished(self._existing(version.name)):
            return  # a faster publisher of the same model has already tagged it
        tags = {
            **publication.tags,
            FINGERPRINT: publication.fingerprint,
            BASELINE_VERSION: publication.baseline_version,
        }
        properties = {name: _text(value) for name, value in tags.items()}
        for name, text in publication.settings.items():
            properties[_SETTING + name] = _text(text)
        for name, number in publication.metrics.items():
            if math.isfinite(number):  # JSON has no other numbers
                properties[_METRIC + name] = _number(number)
        self._update(version, properties, state="LIVE", description=publication.description)
        _log.info("%s: version %s is created", self._name, version.name)

    def _update(
        self,
        version: "KubeflowVersion",
        properties: "Mapping[str, MetadataValue]",
        state: str | None = None,
        description: str | None = None,
    ) -> None:
        from mr_openapi import ModelVersionUpdate

        update = ModelVersionUpdate(
            custom_properties=dict(properties),
            state=state or version.state,  # an update without a state would set `LIVE` again
            description=description,
        )
        self._service.call(lambda api: api.update_model_version(version.id, update))

    def _ours(self, version: "KubeflowVersion", champion: str | None) -> ModelVersion:
        texts = _texts(version.custom_properties)
        return ModelVersion(
            version=version.name,
            aliases=(CHAMPION,) if version.name == champion else (),
            created=datetime.fromtimestamp(
                int(version.create_time_since_epoch) / 1000, timezone.utc
            ),
            metrics=_numbers(version.custom_properties),
            tags={name: text for name, text in texts.items() if not name.startswith(_SETTING)},
            settings={
                name.removeprefix(_SETTING): text
                for name, text in texts.items()
                if name.startswith(_SETTING)
            },
            uri=f"model-registry://{self._name}/{version.name}",
            description=version.description or "",
        )

    def _existing(self, version: str) -> "KubeflowVersion":
        found = self._find(version)
        if found is None:
            raise RunError(f"{self._name}: there is no version {version}")
        return found

    def _find(self, version: str) -> "KubeflowVersion | None":
        _, there = self._look_up()
        return next((each for each in there if each.name == version), None)

    def _look_up(self) -> "tuple[RegisteredModel | None, list[KubeflowVersion]]":
        """Return the registered model, and all its versions in any state, oldest first."""

        async def look_up(
            service: "ModelRegistryServiceApi",
        ) -> "tuple[RegisteredModel | None, list[KubeflowVersion]]":
            model = await self._find_model(service)
            if model is None:
                return None, []
            found = await listed(service.get_registered_model_versions, model.id)
            return model, sorted(found, key=lambda each: int(each.id))

        return self._service.call(look_up)

    def _artifact(self, version: "KubeflowVersion") -> Any:
        """Return a version's ModelArtifact, the newest if there are several."""
        found = self._service.call(lambda api: listed(api.get_model_version_artifacts, version.id))
        models = [
            each.actual_instance
            for each in found
            if each.actual_instance.artifact_type == "model-artifact"
        ]
        return max(models, key=lambda each: int(each.id), default=None)

    def _ensure_registered(self) -> None:
        from mr_openapi import RegisteredModelCreate

        if self._registered_model() is None:
            new = RegisteredModelCreate(name=self._name)
            with suppress(AlreadyExists):
                self._service.call(lambda api: api.create_registered_model(new))

    def _existing_model(self) -> "RegisteredModel":
        model = self._registered_model()
        if model is None:
            raise RunError(f"{self._name}: the registry has no model of this name")
        return model

    def _registered_model(self) -> "RegisteredModel | None":
        return self._service.call(self._find_model)

    async def _find_model(self, service: "ModelRegistryServiceApi") -> "RegisteredModel | None":
        """Find the model in the list, because in the service's search `_` matches any character."""
        found = await listed(service.get_registered_models)
        return next((each for each in found if each.name == self._name), None)


def _is_unfinished(version: "KubeflowVersion") -> bool:
    return _UNFINISHED in (version.custom_properties or {})


def _text(value: str) -> "MetadataValue":
    from mr_openapi import MetadataStringValue, MetadataValue

    kind = "MetadataStringValue"
    return MetadataValue(MetadataStringValue(string_value=value, metadata_type=kind))


def _number(value: float) -> "MetadataValue":
    from mr_openapi import MetadataDoubleValue, MetadataValue

    kind = "MetadataDoubleValue"
    return MetadataValue(MetadataDoubleValue(double_value=float(value), metadata_type=kind))


def _texts(properties: "Mapping[str, MetadataValue] | None") -> dict[str, str]:
    return {
        name: value.actual_instance.string_value
        for name, value in (properties or {}).items()
        if value.actual_instance.metadata_type == "MetadataStringValue"
    }


def _numbers(properties: "Mapping[str, MetadataValue] | None") -> dict[str, float]:
    """Return the metrics; other tools may have added their own numbers to the properties."""
    return {
        name.removeprefix(_METRIC): float(value.actual_instance.double_value)
        for name, value in (properties or {}).items()
        if value.actual_instance.metadata_type == "MetadataDoubleValue" and name.startswith(_METRIC)
    }
