"""Published versions that were trained on a subject's photos, by their record of batches."""

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
"""Characters of the 4,000 that a version's record of batches may have; names have up to 255."""


def registry_of(settings: Settings) -> ModelRegistry | None:
    """The registry; None where it was never made, since a look makes nothing."""
    uri = settings.registry_uri
    file = sqlite_file(uri)
    if file is not None and not file.exists():
        return None
    return open_registry(uri, settings.registry.model_name)


def learnt(registry: ModelRegistry | None, batches: Set[str]) -> list[ModelVersion]:
    """Return the versions that may have been trained on photos of some batches.

    Args:
        registry: None where there is none yet.
        batches: names, an empty one for the base set, of which every version has learnt.

    Raises:
        RunError: the registry fails.
    """
    versions = registry.versions() if registry is not None and batches else []
    return [
        each for each in versions if "" in batches or _is_cut(each) or batches & _batches_of(each)
    ]


def roll_back(registry: ModelRegistry, affected: Set[str]) -> ModelVersion | None:
    """Make the newest version that was not trained on the subject the champion, if there is one.

    Args:
        registry: to change.
        affected: names of the versions that were trained on the subject.

    Returns:
        The champion now; None if the champion was not trained on the subject.

    Raises:
        RunError: every blessed version has, or the registry fails.
    """
    champion = registry.champion()
    if champion is None or champion.version not in affected:
        return None
    free = [each for each in _before(registry, champion) if each.version not in affected]
    if not free:
        raise RunError(
            f"--now: every version of the registry up to the champion, {champion.version}, was "
            "trained on the person's photos: run `customer-age retrain`, or train again with "
            "`customer-age run`; until then the champion stays"
        )
    return registry.promote(free[-1].version)


def fate(version: ModelVersion) -> str:
    """Return a sentence on what happens to a version."""
    if CHAMPION in version.aliases:
        return "is the champion until the next retraining, without these photos, replaces it"
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
    """Whether its record may lack old batches, as a tag holds no more."""
    return len(_recorded(version)) > _CUT_ABOVE


def _recorded(version: ModelVersion) -> str:
    return version.tags.get(BATCHES, "")
