"""Which version a run is measured against."""

from .registry import ModelRegistry

NONE = "none"
"""The name of a baseline that is not a version: there was no champion."""


def baseline_for(registry: ModelRegistry, run_key: str) -> str:
    """The version that a run is to be measured against; it keys the cache of Champion's result.

    Normally that is the champion. But where the champion came out of the very same data, settings
    and code, it is the one that it was measured against itself: so a second run finds every result
    of the first one, and ends as it did.

    Args:
        registry: to look the champion up in.
        run_key: a digest of the run's data, settings and code.

    Returns:
        A version, or `none`.
    """
    champion = registry.champion()
    if champion is None:
        return NONE
    if champion.tags.get("run_key") == run_key:
        return champion.tags.get("baseline_version") or NONE
    return champion.version
