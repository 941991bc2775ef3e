import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from customer_age.pipeline.doctor import host
from customer_age.pipeline.doctor.finding import State


def test_this_machine_is_set_up_correctly() -> None:
    for finding in (host.python(), host.glibc(), host.tfx_line()):
        assert finding.state is State.GOOD, finding.line()
    assert metadata.version("tfx") in host.tfx_line().result


def test_an_unsupported_python_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    assert host.python().state is State.BAD


@pytest.mark.parametrize(
    ("glibc", "tfx", "state"),
    [
        ("2.36", "1.16.0", State.GOOD),
        ("2.36", "1.21.0", State.BAD),
        ("2.38", "1.21.0", State.GOOD),
        ("2.100", "1.21.0", State.GOOD),
    ],
)
def test_a_tfx_that_this_glibc_cannot_load_is_reported(
    monkeypatch: pytest.MonkeyPatch, glibc: str, tfx: str, state: State
) -> None:
    monkeypatch.setattr(os, "confstr", lambda _: f"glibc {glibc}")
    monkeypatch.setattr(metadata, "version", lambda _: tfx)
    assert host.glibc().state is state


def test_a_missing_glibc_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda _: None)
    assert "Debian 12" in host.glibc().advice


def test_a_package_outside_our_ranges_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "3.0.1" if name == "pandas" else real(name)
    )
    found = host.tfx_line()
    assert found.state is State.BAD
    assert "pandas 3.0.1 is not <3,>=1.5" in found.result


def test_too_little_memory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host.memory().result.endswith("GB free")
    monkeypatch.setattr(host, "MEMORY_GB", 1e6)
    assert host.memory().state is State.BAD


def test_for_a_missing_folder_its_parent_is_checked(tmp_path: Path) -> None:
    found = host.work_disk(str(tmp_path / "not" / "there"))
    assert found.state is not State.BAD or "GB free" in found.result
    assert f"in {tmp_path}" in found.result
    assert not (tmp_path / "not").exists()


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
    found = host.work_disk(str(tmp_path))
    assert found.state is State.BAD
    assert "0.0 GB free" in found.result
    assert "--work-dir" in found.advice


def test_a_file_instead_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "work").touch()
    assert "is not writable" in host.work_disk(str(tmp_path / "work" / "inside")).result
