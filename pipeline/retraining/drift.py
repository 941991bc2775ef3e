"""What the trigger asks the model registry."""

from collections.abc import Sequence
from typing import Any, Protocol

from customer_age.components import drift
from customer_age.model_registry import ModelRegistry, open_registry
from customer_age.schema import features

from ..settings.settings import Settings
from . import new_photos
from .ledger.records import Batch
from .policy import Drift

_SAMPLE = 500
_ENOUGH = 50
"""Photos that are decoded to measure drift: at most, and at least."""


class Champions(Protocol):
    """What the trigger asks of the champion, and of what runs published."""

    def exists(self) -> bool:
        """Whether there is a champion to start from.

        Raises:
            RunError: the registry fails.
        """

    def published(self, run_id: str) -> dict[str, Any]:
        """Facts on the version that a run published; none where it published none."""

    def drift(self, batches: Sequence[Batch]) -> Drift | None:
        """How far new photos are from those that the champion learnt from.

        Returns:
            None where it cannot be measured.
        """


class RegisteredChampions:
    """See `Champions`."""

    def __init__(self, registry: ModelRegistry, settings: Settings):
        self._registry = registry
        self._settings = settings

    def exists(self) -> bool:
        """See `Champions`."""
        return self._registry.champion() is not None

    def published(self, run_id: str) -> dict[str, Any]:
        """See `Champions`."""
        for version in self._registry.versions():
            if version.tags.get("run_id") == run_id:
                return {
                    "version": version.version,
                    "champion": "champion" in version.aliases,
                    "mae": version.metrics.get("mae"),
                }
        return {}

    def drift(self, batches: Sequence[Batch]) -> Drift | None:
        """See `Champions`; None too for a few photos, since chance alone sets them apart."""
        champion = self._registry.champion()
        training = champion.tags.get(drift.TAG) if champion else None
        if training is None:
            return None
        values = new_photos.measured(self._settings, [each.name for each in batches], _SAMPLE)
        count = len(values[features.REAL_AGE])
        if count < _ENOUGH:
            return None
        found = drift.distances(values, training)
        farthest = max(found, key=lambda name: found[name])
        return Drift(found[farthest], farthest, count)


def open_champions(settings: Settings) -> RegisteredChampions:
    """The champions of the registry that the settings name.

    Raises:
        SettingsError: its address is of no kind that is supported.
    """
    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    return RegisteredChampions(registry, settings)
