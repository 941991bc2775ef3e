"""A SavedModel, loaded for predictions."""

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from customer_age.errors import RunError
from customer_age.schema import features

from ..running.log import kept_to_log_level

_EXAMPLES, _PHOTOS = "serving_examples", "serving_default"
"""Signatures, by the name of their argument. The first reads photos as `photos.prepare_photo`
returns them; the second, which every SavedModel has, would prepare them once more."""

_SPARED = ("keras.src", "googleapiclient", "scipy")
"""Packages to hide while TensorFlow is imported; Keras also imports pandas, Matplotlib,
scikit-learn and IPython."""


class AgeModel:
    """A model that predicts ages from photos; several threads may call it at once."""

    def __init__(self, folder: Path):
        """Load a SavedModel.

        Args:
            folder: the folder of a SavedModel whose signature `serving_examples` takes serialized
                `examples`, or whose `serving_default` takes `image_bytes`; and returns `age`.

        Raises:
            RunError: the folder contains no such model.
        """
        tf = import_tensorflow()
        self._tf = tf
        try:
            # Keep the model, because a signature does not keep the variables that it reads.
            self._model = tf.saved_model.load(str(folder))
            signatures = self._model.signatures
            self._takes_examples = _EXAMPLES in signatures
            self._serve = signatures[_EXAMPLES if self._takes_examples else _PHOTOS]
        except Exception as error:  # TensorFlow raises many types for unusable files
            reason = " ".join(str(error).split())[:300]
            raise RunError(
                f"{folder}: cannot load a SavedModel with a signature {_PHOTOS} ({reason})"
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
        if self._takes_examples:
            outputs = self._serve(examples=self._strings(map(self._example, encoded)))
        else:
            outputs = self._serve(image_bytes=self._strings(encoded))
        ages = [float(age) for age in outputs["age"].numpy()]
        if len(ages) != len(encoded) or not all(0 <= age < math.inf for age in ages):
            raise RunError("the model does not return a valid age for each photo: roll back")
        return ages

    def _example(self, encoded: bytes) -> bytes:
        example = self._tf.train.Example()
        example.features.feature[features.IMAGE_ENCODED].bytes_list.value.append(encoded)
        return example.SerializeToString()

    def _strings(self, values: Iterable[bytes]) -> Any:
        return self._tf.constant(list(values), self._tf.string)


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
