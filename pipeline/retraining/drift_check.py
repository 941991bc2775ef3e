"""What the trigger asks about the champion: whether there is one, and how far new photos drifted.

A sample of the new photos is decoded as ingestion does it.
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
"""Photos that are decoded to measure drift: at most, and at least."""

_MEASURED_FEATURES = (
    features.REAL_AGE,
    features.IMAGE_BRIGHTNESS,
    features.IMAGE_SHARPNESS,
    features.IMAGE_WIDTH,
    features.IMAGE_HEIGHT,
)


class Champions(Protocol):
    """What the trigger asks of the champion, and of what runs published."""

    def exists(self) -> bool:
        """Whether there is a champion to start from.

        Raises:
            RunError: the registry fails.
        """

    def version(self) -> str:
        """Return the champion's version, or an empty text where there is none.

        Raises:
            RunError: the registry fails.
        """

    def published(self, run_id: str) -> dict[str, Any]:
        """Facts on the version that a run published; none where it published none."""

    def drift(self, batches: Sequence[Batch]) -> Drift | None:
        """Return how far new photos differ from those that the champion was trained on.

        Returns:
            None where it cannot be measured.
        """


def open_champions(settings: Settings) -> "RegisteredChampions":
    """The champions of the registry that the settings name.

    Raises:
        SettingsError: its address is of no kind that is supported.
    """
    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    return RegisteredChampions(registry, settings)


class RegisteredChampions:
    """Champions of a model registry; see `Champions`."""

    def __init__(self, registry: ModelRegistry, settings: Settings):
        self._registry = registry
        self._settings = settings

    def exists(self) -> bool:
        """See `Champions`."""
        return self._registry.champion() is not None

    def version(self) -> str:
        """See `Champions`."""
        champion = self._registry.champion()
        return champion.version if champion else ""

    def published(self, run_id: str) -> dict[str, Any]:
        """See `Champions`."""
        for version in self._registry.versions():
            if version.came_from(run_id):
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
        settings: of the pipeline.
        batches: names.
        at_most: photos; they are taken from all over the batches, always the same ones.

    Returns:
        Feature name to its values, one a photo; what cannot be used is left out.
    """
    rows = [row for batch in batches for row in _rows(settings, batch)]
    step = max(1, -(-len(rows) // at_most))
    values: dict[str, list[float]] = {name: [] for name in _MEASURED_FEATURES}
    for row in rows[::step]:
        for name, value in zip(_MEASURED_FEATURES, _measured(row, settings), strict=False):
            values[name].append(value)
    return values


def _rows(settings: Settings, batch: str) -> Iterator[LabelRow]:
    """Rows with an age and a photo; none of a batch that cannot be read, which its run reports."""
    spec = ingestion_spec.of(settings.reached()).model_copy(update={"keep_columns": ()})
    try:
        data_set = open_batch(spec, batch, tombstones.read(spec.inbox or ""))
        yield from (row for row in data_set.rows() if row.problem is None)
    except SettingsError:
        return


def _measured(row: LabelRow, settings: Settings) -> tuple[float, ...]:
    """A row's values, one a measured feature, or none where its photo cannot be used."""
    try:
        photo = prepare_photo(read_photo(row.photo), settings.data)
    except PhotoRefused:
        return ()
    return float(row.age), photo.brightness, photo.sharpness, photo.width, photo.height
