"""Finds published versions that were trained on a subject, from their records of batches."""

from collections.abc import Iterator, Set

from customer_age.errors import RunError
from customer_age.model_registry import (
    BATCHES,
    ModelRegistry,
    ModelVersion,
    open_registry,
    sqlite_file,
)
from customer_age.model_registry.registry import CHAMPION

from ..settings.settings import Settings

_CUT_ABOVE = 3700
"""Length in characters from which a version's record of batches may be cut: it may have 4,000, and
a name up to 255."""


def registry_of(settings: Settings) -> ModelRegistry | None:
    """Return the registry; None if there is none, because a search must not create it."""
    uri = settings.registry_uri
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return None
    return open_registry(uri, settings.registry.model_name)


def trained_on(registry: ModelRegistry | None, batches: Set[str]) -> list[ModelVersion]:
    """Return the versions that may be trained on photos of some batches.

    Args:
        registry: the registry; None if there is none yet.
        batches: names; an empty name means the base set, which every version was trained on.

    Raises:
        RunError: the registry fails.
    """
    versions = registry.versions() if registry is not None and batches else []
    return [
        each for each in versions if "" in batches or _is_cut(each) or batches & _batches_of(each)
    ]


def roll_back(registry: ModelRegistry, trained: Set[str]) -> ModelVersion | None:
    """Promote the newest version that was not trained on the subject, if the champion was.

    Args:
        registry: the registry to change.
        trained: the versions that were trained on the subject.

    Returns:
        The new champion; None if the present champion was not trained on the subject.

    Raises:
        RunError: all blessed versions were trained on the subject, or the registry fails.
    """
    champion = registry.champion()
    if champion is None or champion.version not in trained:
        return None
    free = [each for each in _before(registry, champion) if each.version not in trained]
    if not free:
        raise RunError(
            f"--now: every version of the registry up to the champion, {champion.version}, was "
            "trained on the person: run `customer-age retrain`, or train again with "
            "`customer-age run`; until then the champion stays"
        )
    return registry.promote(free[-1].version)


def fate(version: ModelVersion) -> str:
    """Return what happens to a version, as the predicate of a sentence."""
    if CHAMPION in version.aliases:
        return "is the champion until the next retraining, without the photos, replaces it"
    return "is not in use"


def _before(registry: ModelRegistry, champion: ModelVersion) -> Iterator[ModelVersion]:
    for each in registry.versions():  # oldest first
        if each.version == champion.version:
            return
        if each.blessed:
            yield each


def _batches_of(version: ModelVersion) -> frozenset[str]:
    return frozenset(filter(None, _recorded(version).split(",")))


def _is_cut(version: ModelVersion) -> bool:
    """Return whether a version's record may lack old batches, because a tag's length is limited."""
    return len(_recorded(version)) > _CUT_ABOVE


def _recorded(version: ModelVersion) -> str:
    return version.tags.get(BATCHES, "")
