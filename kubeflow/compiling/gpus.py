"""One GPU setting, as each target wants it."""

from collections.abc import Mapping

from customer_age.errors import SettingsError
from customer_age.pipeline.settings.cluster import GpuSettings, Resources
from customer_age.pipeline.settings.settings import Settings

_N1_GIB_PER_CORE = 6.5  # of the machine type n1-highmem


def _on_n1(*cores: tuple[int, int]) -> Mapping[int, tuple[int, float]]:
    return {count: (most, most * _N1_GIB_PER_CORE) for count, most in cores}


_VERTEX: Mapping[str, Mapping[int, tuple[int, float]]] = {
    "NVIDIA_TESLA_P4": _on_n1((1, 16), (2, 32), (4, 96)),
    "NVIDIA_TESLA_T4": _on_n1((1, 16), (2, 32), (4, 96)),
    "NVIDIA_TESLA_P100": _on_n1((1, 16), (2, 32), (4, 96)),
    "NVIDIA_TESLA_V100": _on_n1((1, 8), (2, 16), (4, 32), (8, 96)),
    "NVIDIA_L4": {1: (32, 128), 2: (24, 96), 4: (48, 192), 8: (96, 384)},
    "NVIDIA_TESLA_A100": {1: (12, 85), 2: (24, 170), 4: (48, 340), 8: (96, 680), 16: (96, 1360)},
    "NVIDIA_A100_80GB": {1: (12, 170), 2: (24, 340), 4: (48, 680), 8: (96, 1360)},
    "NVIDIA_H100_80GB": {1: (26, 234), 2: (52, 468), 4: (104, 936), 8: (208, 1872)},
}
"""What Vertex AI attaches to one machine: number of GPUs to the most cores and GiB beside them.
From Google's tables of machine types for custom training (N1, G2, A2, A3)."""


def of_components(settings: Settings) -> dict[str, GpuSettings]:
    """The components that ask for GPUs."""
    by_component = {"Trainer": settings.trainer.gpu, "Evaluator": settings.gate.gpu}
    return {component: gpu for component, gpu in by_component.items() if gpu is not None}


def check_vertex(component: str, gpu: GpuSettings, resources: Resources) -> None:
    """Refuse what Vertex AI has no machine for.

    Raises:
        SettingsError: no such type, not in that number, or not beside that many cores or GiB.
    """
    if gpu.type not in _VERTEX:
        raise SettingsError(
            f"{component}: Vertex AI has no GPU {gpu.type}; there are {', '.join(sorted(_VERTEX))}"
        )
    numbers = _VERTEX[gpu.type]
    if gpu.count not in numbers:
        raise SettingsError(
            f"{component}: Vertex AI puts {_listed(numbers)} {gpu.type} into one machine, "
            f"not {gpu.count}"
        )
    cores, gib = numbers[gpu.count]
    if resources.cores > cores or resources.gigabytes * 1e9 / 2**30 > gib:
        raise SettingsError(
            f"{component}: beside {gpu.count} {gpu.type} a machine of Vertex AI has at most "
            f"{cores} cores and {gib:g} GiB, not {resources.cpu} and {resources.memory}; "
            f"change cluster.resources.{component} or the GPU"
        )


def _listed(numbers: Mapping[int, object]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last
