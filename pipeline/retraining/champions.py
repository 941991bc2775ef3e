"""What the trigger asks the model registry."""

from collections.abc import Sequence
from typing import Any, Protocol

from customer_age.components.model_registry import ModelRegistry, open_registry
from customer_age.pipeline.retraining.inbox import Inbox
from customer_age.pipeline.retraining.policy import Drift
from customer_age.pipeline.retraining.records import Batch
from customer_age.pipeline.settings import Settings


class Champions(Protocol):
    """What the trigger asks of the champion, and of what runs published."""

    def exists(self) -> bool:
        """Whether there is a champion to start from.

        Raises:
            RunError: the registry fails.
        """

    def published(self, run_id: str) -> dict[str, Any]:
        """Facts on the version that a run published; none where it published none."""

    def drift(self, inbox: Inbox, batches: Sequence[Batch]) -> Drift | None:
        """How far new photos are from those that the champion learnt from.

        Returns:
            None where it cannot be measured.
        """


class RegisteredChampions:
    """See `Champions`."""

    def __init__(self, registry: ModelRegistry):
        self._registry = registry

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

    def drift(self, inbox: Inbox, batches: Sequence[Batch]) -> Drift | None:
        """See `Champions`."""
        return None


def open_champions(settings: Settings) -> RegisteredChampions:
    """The champions of the registry that the settings name.

    Raises:
        SettingsError: its address is of no kind that is supported.
    """
    return RegisteredChampions(open_registry(settings.registry_uri, settings.registry.model_name))
