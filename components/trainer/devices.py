"""The device that the training runs on."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """The device, and how to train on it."""

    name: str
    """Shown in the report: `2 CPU cores, bfloat16`, `4 GPUs: Tesla T4`."""
    precision: str
    """Keras's dtype policy."""
    strategy: tf.distribute.Strategy


_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""Linux's names of CPU instructions that multiply bfloat16; the last one is ARM's."""


def find_device() -> Device:
    """Return all GPUs that TensorFlow finds, in mixed precision; without a GPU, the CPU.

    A CPU with bfloat16 instructions also trains in mixed precision: a step of a ResNet50 takes
    about two thirds of the time. Other CPUs would convert back and forth, and be slower.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return _cpu()
    model = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    several = len(gpus) > 1
    return Device(
        name=f"{len(gpus)} {'GPUs' if several else 'GPU'}: {model}",
        precision="mixed_float16",
        strategy=tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy(),
    )


def _cpu() -> Device:
    cores = len(os.sched_getaffinity(0))
    half = _multiplies_bfloat16() and os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0"
    return Device(
        name=f"{cores} CPU cores{', bfloat16' if half else ''}",
        precision="mixed_bfloat16" if half else "float32",
        strategy=tf.distribute.get_strategy(),
    )


def _multiplies_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16; False where it cannot be read."""
    if not _CPU_INFO.exists():
        return False
    lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return not _BFLOAT16.isdisjoint(next(flags, "").split())


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Set Keras's dtype policy for models built in the context; restore it at the end."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
