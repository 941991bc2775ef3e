"""Answers the trigger's questions about the champion: whether it exists, and how photos drifted.

A sample of the new photos is decoded in the same way as in ingestion.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from customer_age.components.registry_pusher import drift
from customer_age.errors import SettingsError
from customer_age.labels import LabelRow, open_batch, tombstones
from customer_age.model_registry import ModelRegistry, open_registry
from customer_age.photos.decode import read_photo
from customer_age.photos.prepare import prepare_photo
from customer_age.schema import features
from customer_age.schema.refusals import PhotoRefused

from ..graph import ingestion_spec
from ..settings.settings import Settings
from .ledger.records import Batch
from .policy import Drift

_SAMPLE = 500
_ENOUGH = 50
"""The largest and the smallest number of photos that are decoded to measure drift."""

_MEASURED_FEATURES = (
    features.REAL_AGE,
    features.IMAGE_BRIGHTNESS,
    features.IMAGE_SHARPNESS,
    features.IMAGE_WIDTH,
    features.IMAGE_HEIGHT,
)


class Champions(Protocol):
    """Answers the trigger's questions about the champion and about published versions."""

    def exists(self) -> bool:
        """Return whether there is a champion to start from.

        Raises:
            RunError: the registry fails.
        """

    def version(self) -> str:
        """Return the champion's version, or an empty text if there is no champion.

        Raises:
            RunError: the registry fails.
        """

    def published(self, run_id: str) -> dict[str, Any]:
        """Return facts about the version that a run published; empty if it published no version."""

    def drift(self, batches: Sequence[Batch]) -> Drift | None:
        """Measure how far new photos are from those that the champion was trained on.

        Returns:
            The drift, or None if it cannot be measured.
        """


def open_champions(settings: Settings) -> "RegisteredChampions":
    """Open the champions of the registry that the settings name.

    Raises:
        SettingsError: this kind of registry address is not supported.
    """
    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    return RegisteredChampions(registry, settings)


class RegisteredChampions:
    """Champions of a model registry; implements `Champions`."""

    def __init__(self, registry: ModelRegistry, settings: Settings):
        self._registry = registry
        self._settings = settings

    def exists(self) -> bool:
        """Return whether the registry has a champion."""
        return self._registry.champion() is not None

    def version(self) -> str:
        """Return the champion's version, or an empty text."""
        champion = self._registry.champion()
        return champion.version if champion else ""

    def published(self, run_id: str) -> dict[str, Any]:
        """Return `version`, `champion` and `mae` (years) of the version that a run published."""
        for version in self._registry.versions():
            if version.came_from(run_id):
                return {
                    "version": version.version,
                    "champion": "champion" in version.aliases,
                    "mae": version.metrics.get("mae"),
                }
        return {}

    def drift(self, batches: Sequence[Batch]) -> Drift | None:
        """Measure the drift; None also for a few photos, which differ by chance alone."""
        champion = self._registry.champion()
        training = champion.tags.get(drift.TAG) if champion else None
        if training is None:
            return None
        values = measure_photos(self._settings, [each.name for each in batches], _SAMPLE)
        count = len(values[features.REAL_AGE])
        if count < _ENOUGH:
            return None
        distances = drift.distances(values, training)
        farthest = max(distances, key=lambda name: distances[name])
        return Drift(distances[farthest], farthest, count)


def measure_photos(
    settings: Settings, batches: Sequence[str], at_most: int
) -> dict[str, list[float]]:
    """Measure a sample of the photos in some batches.

    Args:
        settings: the pipeline's settings.
        batches: the names of the batches.
        at_most: the largest number of photos; the same ones each time, spread over the batches.

    Returns:
        Each feature's name and its values, one per photo; photos that cannot be used are left out.
    """
    rows = [row for batch in batches for row in _rows(settings, batch)]
    step = max(1, -(-len(rows) // at_most))
    values: dict[str, list[float]] = {name: [] for name in _MEASURED_FEATURES}
    for row in rows[::step]:
        for name, value in zip(_MEASURED_FEATURES, _measured(row, settings), strict=False):
            values[name].append(value)
    return values


def _rows(settings: Settings, batch: str) -> Iterator[LabelRow]:
    """Yield rows with an age and a photo; skip an unreadable batch, which its run reports."""
    spec = ingestion_spec.of(settings.reached()).model_copy(update={"keep_columns": ()})
    try:
        data_set = open_batch(spec, batch, tombstones.read(spec.inbox or ""))
        yield from (row for row in data_set.rows() if row.problem is None)
    except SettingsError:
        return


def _measured(row: LabelRow, settings: Settings) -> tuple[float, ...]:
    """Return a row's values, one per measured feature; empty if its photo cannot be used."""
    try:
        photo = prepare_photo(read_photo(row.photo), settings.data)
    except PhotoRefused:
        return ()
    return float(row.age), photo.brightness, photo.sharpness, photo.width, photo.height
