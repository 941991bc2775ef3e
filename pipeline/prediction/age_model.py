"""A SavedModel, loaded for predictions."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from customer_age.errors import RunError

from ..running.log import kept_to_log_level

SIGNATURE = "serving_default"

_SPARED = ("keras.src", "googleapiclient", "scipy")
"""With Keras come pandas, Matplotlib, scikit-learn and IPython."""


class AgeModel:
    """Photos in, ages out; may be called from several threads at once."""

    def __init__(self, folder: Path):
        """Load a SavedModel.

        Args:
            folder: of a SavedModel whose `serving_default` takes `image_bytes` and gives `age`.

        Raises:
            RunError: it is not such a model.
        """
        tf = import_tensorflow()
        self._string = tf.string
        self._tensor = tf.constant
        try:
            # Kept, since a signature does not keep the variables that it reads.
            self._model = tf.saved_model.load(str(folder))
            self._serve = self._model.signatures[SIGNATURE]
        except Exception as error:  # whatever TensorFlow raises over files that it cannot use
            reason = " ".join(str(error).split())[:300]
            raise RunError(
                f"{folder}: no SavedModel with a signature {SIGNATURE} can be loaded ({reason})"
            ) from error

    def ages(self, encoded: Sequence[bytes]) -> list[float]:
        """Guess ages.

        Args:
            encoded: photos as `photos.prepare_photo` gives them, one or more.

        Returns:
            Years, one for each photo.

        Raises:
            RunError: the model gives something else than ages.
        """
        outputs = self._serve(image_bytes=self._tensor(list(encoded), self._string))
        ages = [float(age) for age in outputs["age"].numpy()]
        if len(ages) != len(encoded) or not all(0 <= age < math.inf for age in ages):
            raise RunError("the model does not answer with an age for each photo: roll back")
        return ages


def import_tensorflow() -> ModuleType:
    """Import TensorFlow without what takes as long again, and no SavedModel needs.

    TensorFlow looks for these packages when it is imported, and works without them. A later
    import of one of them works as usual.
    """
    spared = [name for name in _SPARED if name.partition(".")[0] not in sys.modules]
    for name in spared:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's way to say: not here
    try:
        with kept_to_log_level():
            import tensorflow
    finally:
        for name in spared:
            del sys.modules[name]
    return tensorflow
