"""Identifies a training by all that its result depends on."""

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
    """Compute a digest of all that a training's result depends on; file locations do not count.

    Args:
        settings: JSON values: the Trainer's settings, the fingerprint of its code, how the device
            is used.
        file_patterns: of the examples; their bytes count, not their locations.
        weights: of the model before its first step. They depend on the architecture, the seed, and
            the file of weights or the champion that the training starts from.

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
    """Compute a digest of the bytes of examples; file locations do not count.

    Args:
        file_patterns: of TFRecord files; the number of the pattern that a file matches counts too.

    Returns:
        64 hexadecimal digits.
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
        while chunk := content.read(_READ_AT_ONCE):
            digest.update(chunk)
    return digest.digest()
