"""The model registry, as the rest of the project sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

MAE = "mae"
"""The metric, in years, by which two models that were published at once are told apart."""

CHAMPION = "champion"
"""The alias."""

FINGERPRINT = "fingerprint"
"""Tag: of the SavedModel."""

BASELINE_VERSION = "baseline_version"
"""Tag: the champion that the version was measured against, empty if none."""

BATCHES = "batches"
"""Tag: the batches that a version was trained on besides the base set, comma-separated."""

DEAL = "deal"
"""Tag: how people were dealt to splits, as `labels.deal` writes it; none in early releases."""

REPORT = "report"
"""Tag: where the report of the run that published the version lies."""

RUN_ID = "run_id"
"""Tag: of the run that published the version."""

FORCED = "forced"
"""Tag: why someone promoted a version that was never blessed."""


@dataclass(frozen=True)
class Publication:
    """A blessed model, and what its version shall tell of it.

    Attributes:
        model_dir: a SavedModel.
        fingerprint: of that folder, by `saved_model_fingerprint`; one model is one version.
        metrics: name to value, with `mae` among them; a `/` groups names, as in `mae/25-34`.
        tags: lineage, such as the fingerprint of the data.
        settings: of the run, name to value.
        description: Markdown.
        baseline_version: the champion that the model was measured against, empty if none.
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
        version: as the registry counts, such as `3`.
        aliases: that point at it, such as `champion`.
        created: with its time zone.
        metrics: as published.
        tags: as published, with `fingerprint` and `baseline_version`.
        settings: as published.
        uri: under which the registry's own tools find it, such as `models:/customer-age/3`.
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
        """Whether it came in by `publish`, which only a blessed model does."""
        return FINGERPRINT in self.tags

    def came_from(self, run_id: str) -> bool:
        """Whether a run published this version, or the very same model after it was there."""
        return self.tags.get(RUN_ID) == run_id or run_again(run_id) in self.tags


def run_again(run_id: str) -> str:
    """The tag of a later run that came to the very same model.

    Each such run has one of its own: two that end at once do not overwrite each other's.
    """
    return f"{RUN_ID}/{run_id}"


class ModelRegistry(Protocol):
    """Versions of one model, one of them the champion.

    Every method raises `RunError` where the registry fails, with its own words in one line, and
    `SettingsError` where it cannot be reached.
    """

    def publish(self, publication: Publication) -> ModelVersion:
        """Upload a model, and make it the champion.

        Publishing a model again gives its version again, never a second one. A publisher that is
        killed leaves the old champion or the new one. Of two models that were measured against
        the same champion and published at once, the one with the lower `mae` becomes champion.
        A version that was rolled back comes back by `promote` alone.
        """

    def require_ready(self) -> None:
        """See, before hours of training, that a model could be published.

        Raises:
            SettingsError: none could, with what to do about it.
        """

    def champion(self) -> ModelVersion | None:
        """The version that is to be used, or None before the first."""

    def versions(self) -> list[ModelVersion]:
        """Every version, oldest first."""

    def version(self, name: str) -> ModelVersion:
        """One version.

        Args:
            name: its number, or the alias `champion`.

        Raises:
            RunError: there is none of that name.
        """

    def promote(self, version: str, force: str = "") -> ModelVersion:
        """Make a version the champion.

        Args:
            version: to promote.
            force: why, for one that was never blessed; the version's tag `forced` keeps it.

        Raises:
            RunError: the version was never blessed, and no reason is given.
        """

    def rollback(self) -> ModelVersion:
        """Make the former champion the champion again; again and again, back to the first."""

    def annotate(self, version: str, name: str, value: str) -> None:
        """Put a tag on a version, such as where its run's report lies."""

    def download(self, version: str, folder: Path) -> Path:
        """Put a version's SavedModel into a folder, and check that it is what was published.

        Args:
            version: to fetch.
            folder: that does not exist yet, or is empty.

        Returns:
            The folder.
        """
