"""The precision in which a processor trains."""

import pytest

from customer_age.components.trainer import devices

X86 = "processor\t: 0\nvendor_id\t: {}\nflags\t\t: fpu sse2 avx2 avx512f{}\n\nprocessor\t: 1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd{}\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("cpu_info", "precision"),
    [
        (X86.format("AuthenticAMD", " avx512_bf16"), "mixed_bfloat16"),
        (X86.format("GenuineIntel", " amx_bf16 amx_tile"), "mixed_bfloat16"),
        (X86.format("GenuineIntel", ""), "float32"),
        (X86.format("bf16", " avx512_bf16x"), "float32"),
        (ARM.format(" bf16 i8mm"), "mixed_bfloat16"),
        (ARM.format(""), "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
)
def test_a_processor_with_instructions_for_bfloat16_uses_them(
    monkeypatch, tmp_path, cpu_info, precision
):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(devices, "_CPU_INFO", tmp_path / "cpuinfo")
    if cpu_info is not None:
        (tmp_path / "cpuinfo").write_text(cpu_info)
    device = devices.find_device()
    assert device.precision == precision
    assert ("bfloat16" in device.name) == (precision == "mixed_bfloat16"), "the report shows it"


def test_without_onednn_bfloat16_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "_CPU_INFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(X86.format("AuthenticAMD", " avx512_bf16"))
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert devices.find_device().precision == "float32"
