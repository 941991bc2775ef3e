"""What the training runs on."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """Where and how to train."""

    name: str
    """In words, for the report: `2 CPU cores, bfloat16`, `4 GPUs: Tesla T4`."""
    precision: str
    """Keras's dtype policy."""
    strategy: tf.distribute.Strategy


_CPU_INFO = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls instructions that multiply bfloat16; the last one on ARM."""


def find_device() -> Device:
    """Every GPU that TensorFlow sees, in mixed precision; else the CPU.

    A CPU with instructions for bfloat16 computes in mixed precision, too: a step of a ResNet50
    takes some two thirds of the time. Another one would convert forth and back, and be slower.
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
    """Whether the processor does; only Linux says so in this way."""
    if not _CPU_INFO.exists():
        return False
    lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return not _BFLOAT16.isdisjoint(next(flags, "").split())


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build models under a dtype policy, and leave the process as it was."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)
