"""What the training runs on."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """Where and how to train."""

    name: str
    """In words, for the report: `2 CPU cores`, `4 GPUs: Tesla T4`."""
    precision: str
    """Keras's dtype policy."""
    strategy: tf.distribute.Strategy


def find_device() -> Device:
    """Every GPU that TensorFlow sees, in mixed precision; else the CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        cores = len(os.sched_getaffinity(0))
        return Device(f"{cores} CPU cores", "float32", tf.distribute.get_strategy())
    model = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    several = len(gpus) > 1
    return Device(
        name=f"{len(gpus)} {'GPUs' if several else 'GPU'}: {model}",
        precision="mixed_float16",
        strategy=tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy(),
    )


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build models under a dtype policy, and leave the process as it was."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
