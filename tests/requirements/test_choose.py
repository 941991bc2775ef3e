"""Set-up chooses the TFX line that the host can run, or reports what to do."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CHOOSE = Path(__file__).parents[2] / "requirements/choose.sh"
TOOLS = ("cut", "dirname", "head", "ls", "paste", "sed", "sh", "sort", "tr")
Host = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Run choose.sh on a host with only these programs on its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    headers = tmp_path / "include"
    headers.mkdir()
    (headers / "Python.h").touch()

    def program(name: str, script: str) -> None:
        (programs / name).write_text(f"#!{shutil.which('sh')}\n{script}\n")
        (programs / name).chmod(0o755)

    def choose(
        glibc: str | None,
        pythons: dict[str, str],
        *arguments: str,
        platform: str = "Linux x86_64",
        compiler: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        for tool in TOOLS:
            (programs / tool).symlink_to(str(shutil.which(tool)))
        system, machine = platform.split()
        program("uname", f"[ $1 = -s ] && echo {system} || echo {machine}")
        program("getconf", f"echo glibc {glibc}" if glibc else "exit 1")
        if compiler:
            program("c++", "")
        for name, version in pythons.items():
            program(name, f'case "$2" in *version*) echo {version};; *) echo {headers};; esac')
        return subprocess.run(
            [str(CHOOSE), *arguments],
            env={**os.environ, "PATH": str(programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    return choose


@pytest.mark.parametrize(
    ("glibc", "version", "lock"),
    [
        ("2.35", "3.11", "tfx-1.16-py311.txt"),
        ("2.36", "3.11", "tfx-1.16-py311.txt"),
        ("2.38", "3.11", "tfx-1.21-py311.txt"),
        ("2.39", "3.12", "tfx-1.21-py312.txt"),
        ("2.41", "3.13", "tfx-1.21-py313.txt"),
        ("2.100", "3.13", "tfx-1.21-py313.txt"),
        ("3.0", "3.13", "tfx-1.21-py313.txt"),
    ],
)
def test_the_line_that_the_host_can_run(host: Host, glibc: str, version: str, lock: str) -> None:
    chosen = host(glibc, {"python3": version})
    python, file = chosen.stdout.split()
    assert (python, Path(file).name) == ("python3", lock)
    assert Path(file).is_file()
    assert len(chosen.stderr.splitlines()) == 1
    assert f"TFX {lock[4:8]} on Python {version}" in chosen.stderr
    assert f"because glibc {glibc}" in chosen.stderr


def test_a_python_without_a_lock_is_skipped(host: Host) -> None:
    chosen = host("2.41", {"python3": "3.14", "python3.12": "3.12", "python3.11": "3.11"})
    assert chosen.stdout.split()[0] == "python3.12"


def test_the_named_python_and_no_other(host: Host) -> None:
    pythons = {"python3": "3.13", "python3.14": "3.14", "python3.11": "3.11"}
    assert host("2.41", pythons, "python3.11").stdout.split()[0] == "python3.11"


@pytest.mark.parametrize(
    ("glibc", "pythons", "arguments", "why", "what_to_do"),
    [
        ("2.36", {"python3": "3.13"}, [], "python3 is 3.13; glibc 2.36 is older", "python3.11"),
        ("2.41", {"python3": "3.10"}, [], "python3 is 3.10", "for Python 3.11 3.12 3.13"),
        ("2.41", {"python3": "3.14"}, ["python3"], "python3 is 3.14", "PYTHON=python3.13"),
        ("2.41", {"python3": "3.13"}, ["python4"], "python4 is not to be found", "python3.13"),
        ("2.36", {}, [], "python3 is not to be found", "PYTHON=python3.11"),
        (None, {"python3": "3.11"}, [], "another C library", "Debian 12 or newer"),
    ],
)
def test_a_pair_without_a_lock_is_refused(
    host: Host,
    glibc: str | None,
    pythons: dict[str, str],
    arguments: list[str],
    why: str,
    what_to_do: str,
) -> None:
    refused = host(glibc, pythons, *arguments)
    assert refused.returncode == 2
    assert not refused.stdout
    assert len(refused.stderr.splitlines()) == 1
    assert why in refused.stderr
    assert what_to_do in refused.stderr


def test_another_platform_is_refused(host: Host) -> None:
    refused = host("2.41", {"python3": "3.13"}, platform="Linux aarch64")
    assert refused.returncode == 2
    assert "this is Linux-aarch64" in refused.stderr


def test_a_missing_compiler_is_reported_before_the_installation(host: Host) -> None:
    refused = host("2.41", {"python3": "3.13"}, compiler=False)
    assert refused.returncode == 2
    assert "apt-get install g++ python3.13-dev" in refused.stderr
