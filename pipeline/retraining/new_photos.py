"""What new photos are like: a sample of them, decoded as ingestion does it."""

from collections.abc import Iterator, Sequence

from customer_age.errors import SettingsError
from customer_age.labels import tombstones
from customer_age.labels.batches import open_batch
from customer_age.labels.cards.card_table import CardSettings
from customer_age.labels.data_set import LabelRow
from customer_age.photos import prepare
from customer_age.schema import features
from customer_age.schema.refusals import PhotoRefused

from ..graph import ingestion_spec
from ..settings.settings import Settings


def measured(settings: Settings, batches: Sequence[str], at_most: int) -> dict[str, list[float]]:
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
    values: dict[str, list[float]] = {name: [] for name in _NAMES}
    for row in rows[::step]:
        for name, value in zip(_NAMES, _measured(row, settings), strict=False):
            values[name].append(value)
    return values


_NAMES = (
    features.REAL_AGE,
    features.IMAGE_BRIGHTNESS,
    features.IMAGE_SHARPNESS,
    features.IMAGE_WIDTH,
    features.IMAGE_HEIGHT,
)


def _rows(settings: Settings, batch: str) -> Iterator[LabelRow]:
    """Rows with an age and a photo; none of a batch that cannot be read, which its run tells."""
    where, beam_args = settings.data.inbox or "", settings.beam.args
    asked = ingestion_spec.parameters(settings)["cards"]
    try:
        data_set = open_batch(
            where,
            batch,
            columns=settings.data.columns,
            keep_columns=(),
            beam_args=beam_args,
            cards=CardSettings(**asked, beam_args=tuple(beam_args)),
            forgotten=tombstones.read(where, beam_args),
        )
        yield from (row for row in data_set.rows() if row.problem is None)
    except SettingsError:
        return


def _measured(row: LabelRow, settings: Settings) -> tuple[float, ...]:
    """A row's values in the order of `_NAMES`, or none where its photo cannot be used."""
    data = settings.data
    try:
        photo = prepare.prepare(
            prepare.read(row.photo), data.stored_size, data.min_size, data.jpeg_quality
        )
    except PhotoRefused:
        return ()
    return float(row.age), photo.brightness, photo.sharpness, photo.width, photo.height
