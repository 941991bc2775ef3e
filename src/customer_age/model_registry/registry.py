"""The interface of the model registry for the rest of the project."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

MAE = "mae"
"""The metric, in years, that decides between two models that are published at the same time."""

CHAMPION = "champion"
"""The alias."""

FINGERPRINT = "fingerprint"
"""Tag: the fingerprint of the SavedModel."""

BASELINE_VERSION = "baseline_version"
"""Tag: the champion that the version was evaluated against; empty if there was none."""

BATCHES = "batches"
"""Tag: the batches, in addition to the base set, that a version was trained on, comma-separated."""

DEAL = "deal"
"""Tag: how people were assigned to splits, written by `labels.deal`; not set by early releases."""

REPORT = "report"
"""Tag: the location of the report of the run that published the version."""

RUN_ID = "run_id"
"""Tag: the id of the run that published the version."""

FORCED = "forced"
"""Tag: the reason why someone promoted a version that was never blessed."""


@dataclass(frozen=True)
class Publication:
    """A blessed model, and the metadata of its version.

    Attributes:
        model_dir: a SavedModel.
        fingerprint: of that folder, by `saved_model_fingerprint`; one model has one version.
        metrics: name to value, with `mae` among them; a `/` groups names, as in `mae/25-34`.
        tags: lineage, such as the fingerprint of the data.
        settings: of the run, name to value.
        description: Markdown.
        baseline_version: the champion that the model was evaluated against; empty if there was
            none.
    """

    model_dir: Path
    fingerprint: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    baseline_version: str = ""


@dataclass(frozen=True)
class ModelVersion:
    """A version in the registry.

    Attributes:
        version: the registry's number, such as `3`.
        aliases: the aliases that point to it, such as `champion`.
        created: with its time zone.
        metrics: as published.
        tags: as published, with `fingerprint` and `baseline_version`.
        settings: as published.
        uri: the URI for the registry's own tools, such as `models:/customer-age/3`.
        description: Markdown.
    """

    version: str
    aliases: tuple[str, ...]
    created: datetime
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    settings: Mapping[str, str]
    uri: str
    description: str = ""

    @property
    def blessed(self) -> bool:
        """Whether it was added by `publish`, which accepts only blessed models."""
        return FINGERPRINT in self.tags

    def came_from(self, run_id: str) -> bool:
        """Return whether a run published this version, or produced the same model later."""
        return self.tags.get(RUN_ID) == run_id or run_again(run_id) in self.tags


def run_again(run_id: str) -> str:
    """Return the name of the tag of a later run that produced the same model.

    Each such run has its own tag, so that two runs that end at the same time do not overwrite it.
    """
    return f"{RUN_ID}/{run_id}"


class ModelRegistry(Protocol):
    """Versions of one model, one of them the champion.

    Every method raises `RunError` if the registry fails, with the registry's message in one line,
    and `SettingsError` if it cannot be reached.
    """

    def publish(self, publication: Publication) -> ModelVersion:
        """Upload a model, and make it the champion.

        Publishing a model again returns its existing version and never creates a second one. After
        a publisher is killed, the champion is the old one or the new one. If two models were
        evaluated against the same champion and published at the same time, the one with the lower
        `mae` becomes champion. A version that was rolled back can only return by `promote`.
        """

    def require_ready(self) -> None:
        """Check, before hours of training, that a model could be published.

        Raises:
            SettingsError: it could not; the message says what to do.
        """

    def champion(self) -> ModelVersion | None:
        """Return the version to use, or None if there is no champion yet."""

    def versions(self) -> list[ModelVersion]:
        """Return every version, oldest first."""

    def version(self, name: str) -> ModelVersion:
        """Return one version.

        Args:
            name: its number, or the alias `champion`.

        Raises:
            RunError: it does not exist.
        """

    def promote(self, version: str, force: str = "") -> ModelVersion:
        """Make a version the champion.

        Args:
            version: the version to promote.
            force: the reason, for a version that was never blessed; it is stored in the version's
                tag `forced`.

        Raises:
            RunError: the version was never blessed, and no reason is given.
        """

    def rollback(self) -> ModelVersion:
        """Make the former champion the champion again; each further call goes one version back."""

    def annotate(self, version: str, name: str, value: str) -> None:
        """Set a tag of a version, for example the location of its run's report."""

    def download(self, version: str, folder: Path) -> Path:
        """Download a version's SavedModel, and check that it is the published one.

        Args:
            version: the version to download.
            folder: a folder that does not exist yet, or is empty.

        Returns:
            The folder.
        """
