"""Choose the version that a run is evaluated against."""

from .registry import ModelRegistry

NONE = "none"
"""The baseline if there is no champion."""


def baseline_for(registry: ModelRegistry, run_key: str) -> str:
    """Return the version that a run is evaluated against; it is part of Champion's cache key.

    Normally this is the champion. But if the champion was trained with the same data, settings and
    code, it is the champion's own baseline. Then a second run finds all results of the first one,
    and has the same end.

    Args:
        registry: the registry with the champion.
        run_key: a hash of the run's data, settings and code.

    Returns:
        A version, or `none`.
    """
    champion = registry.champion()
    if champion is None:
        return NONE
    if champion.tags.get("run_key") == run_key:
        return champion.tags.get("baseline_version") or NONE
    return champion.version
