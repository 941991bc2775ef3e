"""What can be found out before TensorFlow is imported: most mistakes, within a second."""

from pathlib import Path

from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen import sources
from customer_age.pipeline.run_key import RunKey, all_code, weights_fingerprint
from customer_age.pipeline.settings import WEIGHTS_KEYWORDS, Settings


def check(settings: Settings) -> RunKey:
    """Look at the data set and the weights from outside.

    Returns:
        What decides the run's result.

    Raises:
        SettingsError: no data set, no photos, a table without the needed columns, no such file
            of weights.
    """
    if settings.data.path is None:
        raise SettingsError(
            "data.path: no data set given; point --data at a folder with a label table and photos"
        )
    weights = settings.trainer.weights
    if weights not in WEIGHTS_KEYWORDS and not Path(weights).is_file():
        raise SettingsError(
            f"trainer.weights: {weights} is neither a file nor one of {', '.join(WEIGHTS_KEYWORDS)}"
        )
    return RunKey(
        settings=settings.fingerprint(),
        data=data_fingerprint(settings),
        weights=weights_fingerprint(weights),
        code=all_code(),
    )


def data_fingerprint(settings: Settings) -> str:
    """What changes with the data, as far as they can be read from here.

    Raises:
        SettingsError: they cannot, or are no data set.
    """
    data = settings.data
    data_set = sources.open_data_set(
        data.path or "",
        data.layout,
        data.face_crops,
        data.columns,
        data.keep_columns,
        beam_args=settings.beam.args,
    )
    return data_set.fingerprint()
