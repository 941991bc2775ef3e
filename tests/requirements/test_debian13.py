"""`tests/debian13/run.sh` runs a command in a separate root, and leaves nothing mounted.

Here debootstrap is a stand-in that creates a root of five programs, so the tests need no network.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "debian13/run.sh"

DEBOOTSTRAP = """#!/bin/sh
set -e
target=$4
mkdir -p "$target/usr/bin" "$target/proc" "$target/dev" "$target/sys" "$target/tmp"
ln -s usr/bin "$target/bin"
for program in env sh sleep cat umount; do
    cp -L "$(command -v $program)" "$target/usr/bin"
    for library in $(ldd "$(command -v $program)" | grep -o '/[^ ]*'); do
        mkdir -p "$target$(dirname "$library")"
        cp -L "$library" "$target$library"
    done
done
"""


def _may_make_namespaces() -> bool:
    try:
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False)
    except FileNotFoundError:
        return False
    return os.getuid() == 0 and done.returncode == 0


needs_root = pytest.mark.skipif(
    not _may_make_namespaces(), reason="mounts need root, and leave to make namespaces"
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    programs = tmp_path / "bin"
    programs.mkdir()
    # The small root needs none of the 8 GB that the script asks for.
    df = "#!/bin/sh\necho Avail\necho 100\n"
    for name, script in (("debootstrap", DEBOOTSTRAP), ("wget", "#!/bin/sh\n"), ("df", df)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    return {
        **os.environ,
        "CUSTOMER_AGE_CACHE": str(tmp_path / "cache"),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator:
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                # Tests in the background ignore Ctrl-C, and under nohup also a hang-up, and bash
                # cannot handle a signal that it ignores from the start.
                ["env", "--default-signal=HUP,INT,TERM", str(RUN), *command],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()


def _left_behind(folder: Path) -> list[str]:
    """Mounts below a folder, and all processes with their root there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mounts = (process / "mountinfo").read_text()
            root = str((process / "root").readlink())
        except OSError:  # it has ended meanwhile
            continue
        if str(folder) in mounts or root.startswith(str(folder)):
            found.append(process.name)
    return found


def _wait_until_nothing_is_left(folder: Path) -> None:
    for _ in range(200):
        if not _left_behind(folder):
            return
        time.sleep(0.05)
    raise AssertionError(f"processes {_left_behind(folder)} are left")


@needs_root
def test_a_command_runs_inside_with_the_checkout(run, tmp_path: Path) -> None:
    process = run("sh", "-c", "cat tests/debian13/packages.txt; exit 7")
    output, said = process.communicate(timeout=60)
    assert process.returncode == 7, said
    assert output == (RUN.parent / "packages.txt").read_text()
    _wait_until_nothing_is_left(tmp_path)


@needs_root
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
    ],
)
def test_nothing_is_left_after_any_end(run, tmp_path: Path, number: int, code: int) -> None:
    process = run("sh", "-c", "echo begun; sleep 600")
    assert process.stdout.readline() == "begun\n"
    assert _left_behind(tmp_path)
    process.send_signal(number)
    assert process.wait(timeout=20) == code
    _wait_until_nothing_is_left(tmp_path)
    shutil.rmtree(tmp_path / "cache")  # fails while anything is mounted there


@needs_root
def test_without_debootstrap_it_reports_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    needed = ("bash", "dirname", "id", "uname", "unshare", "pivot_root")
    needed += ("setpriv", "flock", "tar")
    for name in needed:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "bin/debootstrap").unlink()
    refused = subprocess.run(
        [str(RUN), "--check"],
        env={**environment, "PATH": str(tmp_path / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "debootstrap is not found: apt-get install debootstrap" in refused.stderr


@needs_root
def test_without_root_it_reports_so() -> None:
    refused = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", "bash", "-s", "--", "--check"],
        input=RUN.read_text(),  # that user may have no access to the checkout
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "need root" in refused.stderr
