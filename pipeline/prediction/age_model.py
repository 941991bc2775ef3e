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
"""Packages to hide while TensorFlow is imported; Keras also imports pandas, Matplotlib,
scikit-learn and IPython."""


class AgeModel:
    """A model that predicts ages from photos; several threads may call it at once."""

    def __init__(self, folder: Path):
        """Load a SavedModel.

        Args:
            folder: the folder of a SavedModel whose signature `serving_default` takes `image_bytes`
                and returns `age`.

        Raises:
            RunError: the folder contains no such model.
        """
        tf = import_tensorflow()
        self._string = tf.string
        self._tensor = tf.constant
        try:
            # Keep the model, because a signature does not keep the variables that it reads.
            self._model = tf.saved_model.load(str(folder))
            self._serve = self._model.signatures[SIGNATURE]
        except Exception as error:  # TensorFlow raises many types for unusable files
            reason = " ".join(str(error).split())[:300]
            raise RunError(
                f"{folder}: cannot load a SavedModel with a signature {SIGNATURE} ({reason})"
            ) from error

    def ages(self, encoded: Sequence[bytes]) -> list[float]:
        """Predict ages.

        Args:
            encoded: one or more encoded photos, as `photos.prepare_photo` returns them.

        Returns:
            An age in years for each photo.

        Raises:
            RunError: the model does not return a valid age for each photo.
        """
        outputs = self._serve(image_bytes=self._tensor(list(encoded), self._string))
        ages = [float(age) for age in outputs["age"].numpy()]
        if len(ages) != len(encoded) or not all(0 <= age < math.inf for age in ages):
            raise RunError("the model does not return a valid age for each photo: roll back")
        return ages


def import_tensorflow() -> ModuleType:
    """Import TensorFlow without packages that a SavedModel does not need: it takes half the time.

    TensorFlow tries to import these packages, and works without them. They can be imported later as
    usual.
    """
    spared = [name for name in _SPARED if name.partition(".")[0] not in sys.modules]
    for name in spared:
        sys.modules[name] = None  # type: ignore[assignment]  # None hides a module
    try:
        with kept_to_log_level():
            import tensorflow
    finally:
        for name in spared:
            del sys.modules[name]
    return tensorflow
