"""The GPU settings of components, and what Vertex AI supports."""

from collections.abc import Mapping

from customer_age.errors import SettingsError
from customer_age.pipeline.settings.cluster import TUNER, GpuSettings, Resources
from customer_age.pipeline.settings.settings import Settings

_N1_GIB_PER_CORE = 6.5  # of the machine type n1-highmem


def _on_n1(*cores: tuple[int, int]) -> Mapping[int, tuple[int, float]]:
    return {count: (most, most * _N1_GIB_PER_CORE) for count, most in cores}


_VERTEX: Mapping[str, Mapping[int, tuple[int, float]]] = {
    "NVIDIA_TESLA_T4": _on_n1((1, 16), (2, 32), (4, 96)),
    "NVIDIA_L4": {1: (32, 128), 2: (24, 96), 4: (48, 192), 8: (96, 384)},
    "NVIDIA_RTX_PRO_6000": {1: (48, 180), 2: (96, 360), 4: (192, 720), 8: (384, 1440)},
    "NVIDIA_TESLA_A100": {1: (12, 85), 2: (24, 170), 4: (48, 340), 8: (96, 680), 16: (96, 1360)},
    "NVIDIA_A100_80GB": {1: (12, 170), 2: (24, 340), 4: (48, 680), 8: (96, 1360)},
    "NVIDIA_H100_80GB": {1: (26, 234), 2: (52, 468), 4: (104, 936), 8: (208, 1872)},
    "NVIDIA_H100_MEGA_80GB": {8: (208, 1872)},
    "NVIDIA_H200_141GB": {8: (224, 2952)},
    "NVIDIA_B200": {8: (224, 3968)},
}
"""The GPUs of one Vertex AI machine: number of GPUs to the maximum of cores and GiB.
From Google's tables of its machine types (N1, G2, G4, A2, A3 High, A3 Mega, A3 Ultra, A4); the
names are those of the API's `AcceleratorType`."""

_TOO_OLD = "is older than compute capability 7.5, which the image's cuDNN (9.11 or later) requires"

_UNUSABLE: Mapping[str, str] = {
    "NVIDIA_TESLA_K80": _TOO_OLD,
    "NVIDIA_TESLA_P4": _TOO_OLD,
    "NVIDIA_TESLA_P100": _TOO_OLD,
    "NVIDIA_TESLA_V100": _TOO_OLD,
    "NVIDIA_GB200": "is only in Arm machines (A4X), but TFX's packages are only for x86-64",
}
"""The GPUs of Vertex AI that our image cannot use. P4 and P100 have compute capability 6, V100 has
7.0; NVIDIA's support matrix of cuDNN 9.11 begins at 7.5. TensorFlow 2.21 has binaries for 6.0, 7.0,
8.0 and 8.9, and code for 9.0 that newer GPUs compile (`tf.sysconfig.get_build_info`)."""


def of_components(settings: Settings) -> dict[str, GpuSettings]:
    """Return the components with GPUs, including those of a search."""
    trainer = settings.trainer.gpu
    by_component = {"Trainer": trainer, "Evaluator": settings.gate.gpu, TUNER: trainer}
    return {component: gpu for component, gpu in by_component.items() if gpu is not None}


def check_vertex(component: str, gpu: GpuSettings, resources: Resources) -> None:
    """Check that Vertex AI has a machine with these GPUs and resources.

    Raises:
        SettingsError: it has no such GPU, or the image does not support it; or it has no machine
            with that number of GPUs, cores or GiB.
    """
    if gpu.type in _UNUSABLE:
        raise SettingsError(f"{component}: {gpu.type} {_UNUSABLE[gpu.type]}; {_choices()}")
    if gpu.type not in _VERTEX:
        raise SettingsError(f"{component}: Vertex AI has no GPU {gpu.type}; {_choices()}")
    numbers = _VERTEX[gpu.type]
    if gpu.count not in numbers:
        raise SettingsError(
            f"{component}: a Vertex AI machine has {_listed(numbers)} {gpu.type}, not {gpu.count}"
        )
    cores, gib = numbers[gpu.count]
    if resources.cores > cores or resources.gigabytes * 1e9 / 2**30 > gib:
        raise SettingsError(
            f"{component}: a Vertex AI machine with {gpu.count} {gpu.type} has at most "
            f"{cores} cores and {gib:g} GiB, not {resources.cpu} and {resources.memory}; "
            f"change cluster.resources.{component} or the GPU"
        )


def _choices() -> str:
    return f"choose one of {', '.join(sorted(_VERTEX))}"


def _listed(numbers: Mapping[int, object]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last
