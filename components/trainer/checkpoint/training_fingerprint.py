"""What tells one training from another."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_READ_AT_ONCE = 2**20


def training_fingerprint(
    settings: Mapping[str, Any], file_patterns: Sequence[str], weights: Iterable[np.ndarray]
) -> str:
    """Describe all that a training's result depends on, wherever its files lie.

    Args:
        settings: whatever JSON can hold: the Trainer's own, the fingerprint of its code, how the
            device is used.
        file_patterns: of the examples; their bytes count, not their places.
        weights: of the model before its first step: the architecture, the seed, the file of weights
            or the champion that it starts from.

    Returns:
        64 hexadecimal digits.
    """
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    digest = hashlib.sha256(json.dumps([settings, versions], sort_keys=True).encode())
    digest.update(examples_digest(file_patterns).encode())
    for array in weights:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def examples_digest(file_patterns: Sequence[str]) -> str:
    """Return 64 hexadecimal digits for the bytes of examples, wherever their files lie.

    Args:
        file_patterns: of TFRecord files; which pattern a file belongs to counts, too.
    """
    digest = hashlib.sha256()
    for number, pattern in enumerate(file_patterns):
        digest.update(str(number).encode())
        for file in sorted(tf.io.gfile.glob(pattern)):
            digest.update(_digest_of(file))
    return digest.hexdigest()


def _digest_of(file: str) -> bytes:
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(file, "rb") as content:
        while some := content.read(_READ_AT_ONCE):
            digest.update(some)
    return digest.digest()
