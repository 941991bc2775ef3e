"""The GPUs of Vertex AI: which there are, in which machines, and which our image can use."""

import re
from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.kubeflow.compiling import gpus
from customer_age.pipeline.settings.cluster import GpuSettings, Resources

LOCK = Path(__file__).parents[3] / "requirements" / "image-gpu-py313.txt"
SMALL = Resources()


def accelerators() -> set[str]:
    from google.cloud.aiplatform_v1.types import AcceleratorType

    return {each.name for each in AcceleratorType if each.name.startswith("NVIDIA_")}


def test_every_gpu_of_the_api_is_either_usable_or_refused_with_its_reason():
    assert {*gpus._VERTEX, *gpus._UNUSABLE} == accelerators()
    assert not {*gpus._VERTEX} & {*gpus._UNUSABLE}


@pytest.mark.parametrize(
    ("kind", "count", "cpu", "memory"),
    [
        ("NVIDIA_TESLA_T4", 1, "16", "100Gi"),
        ("NVIDIA_L4", 1, "32", "128Gi"),
        ("NVIDIA_RTX_PRO_6000", 1, "48", "180Gi"),
        ("NVIDIA_RTX_PRO_6000", 8, "384", "1440Gi"),
        ("NVIDIA_H100_80GB", 2, "52", "468Gi"),
        ("NVIDIA_H100_MEGA_80GB", 8, "208", "1872Gi"),
        ("NVIDIA_H200_141GB", 8, "224", "2952Gi"),
        ("NVIDIA_B200", 8, "224", "3968Gi"),
    ],
)
def test_a_component_may_request_a_whole_machine_but_not_more(kind, count, cpu, memory):
    gpu = GpuSettings(type=kind, count=count)
    gpus.check_vertex("Trainer", gpu, Resources(cpu=cpu, memory=memory))
    with pytest.raises(SettingsError, match="has at most .* cores"):
        gpus.check_vertex("Trainer", gpu, Resources(cpu=str(int(cpu) + 1), memory=memory))


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("NVIDIA_H100_MEGA_80GB", "8"),
        ("NVIDIA_H200_141GB", "8"),
        ("NVIDIA_B200", "8"),
        ("NVIDIA_RTX_PRO_6000", "1, 2, 4 or 8"),
    ],
)
def test_gpus_come_in_the_numbers_of_their_machines(kind, numbers):
    with pytest.raises(SettingsError, match=f"has {numbers} {kind}, not 3"):
        gpus.check_vertex("Trainer", GpuSettings(type=kind, count=3), SMALL)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("NVIDIA_TESLA_P4", "older than compute capability 7.5"),
        ("NVIDIA_TESLA_P100", "older than compute capability 7.5"),
        ("NVIDIA_TESLA_V100", "older than compute capability 7.5"),
        ("NVIDIA_GB200", "Arm machines"),
    ],
)
def test_a_gpu_that_the_image_cannot_use_is_refused_with_the_reason(kind, reason):
    with pytest.raises(
        SettingsError, match=f"^Trainer: {kind} .*{reason}.*; choose one of "
    ) as raised:
        gpus.check_vertex("Trainer", GpuSettings(type=kind), SMALL)
    assert "\n" not in str(raised.value)


def test_the_images_cudnn_is_one_that_runs_no_older_gpu():
    """Otherwise the reported reason would not be true for the image."""
    found = re.search(r"^nvidia-cudnn-cu12==(\d+)\.(\d+)\.", LOCK.read_text(), re.MULTILINE)
    assert found
    assert (int(found[1]), int(found[2])) >= (9, 11)
