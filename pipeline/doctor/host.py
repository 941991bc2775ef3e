"""The machine itself: Python, the C library, the installed packages, memory and disk."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from .finding import Finding, absent, bad, good

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest that the project runs on."""

GLIBC_OF_1_21 = Version("2.38")
"""What the wheels of ML Metadata and TFDV ask for since TFX 1.17."""

MEMORY_GB = 4.0
"""A run on 5,838 photos with the default settings had 3.0 GB at its peak; others need some."""

DISK_GB = 5.0
"""A run keeps the photos as it shrank them, and some copies of a model of 280 MB in training."""

TEMPORARY_GB = 1.0
"""Beam's shuffles, and the model that the canary copies."""


def python() -> Finding:
    """Whether this Python is one that both TFX and we run on."""
    version = sys.version_info[:2]
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return good("Python", f"{sys.version.split()[0]} ({sys.executable})")
    return bad(
        "Python",
        f"{sys.version.split()[0]} ({sys.executable})",
        "use Python 3.11 to 3.13, as in make PYTHON=python3.11",
    )


def glibc() -> Finding:
    """Whether the C library is new enough for the TFX that is installed."""
    try:
        found = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError):
        found = None
    if not found:
        return bad(
            "glibc", "none", "TFX's wheels need glibc: use Debian 12 or Ubuntu 22.04, or newer"
        )
    version = Version(found.split()[-1])
    tfx = _installed("tfx")
    if tfx is not None and tfx >= Version("1.17") and version < GLIBC_OF_1_21:
        return bad(
            "glibc",
            f"{version}, and TFX {tfx} needs {GLIBC_OF_1_21}",
            "take TFX 1.16 by make setup with Python 3.11, or Debian 13, or Ubuntu 24.04",
        )
    return good("glibc", str(version))


def tfx_line() -> Finding:
    """Which TFX is installed, and whether everything beside it is within our ranges."""
    tfx = _installed("tfx")
    if tfx is None:
        return bad("TFX line", "TFX is not installed", "make setup, or pip install customer-age")
    wrong = list(_out_of_range())
    names = ("tensorflow", "keras", "tensorflow-data-validation", "tensorflow-model-analysis")
    versions = ", ".join(f"{name} {_installed(name)}" for name in (*names, "apache-beam"))
    line = f"{tfx.major}.{tfx.minor} (tfx {tfx}, {versions})"
    if wrong:
        return bad("TFX line", f"{line}; {', '.join(wrong)}", "make setup installs what is locked")
    return good("TFX line", line)


def memory() -> Finding:
    """Whether there is the memory that a run needs."""
    free = _free_memory_gb()
    if free is None:
        return absent("memory", "this system does not tell")
    if free >= MEMORY_GB:
        return good("memory", f"{free:.1f} GB free")
    return bad(
        "memory",
        f"{free:.1f} GB free of the {MEMORY_GB:g} GB that a run may need",
        "end other programs, raise the container's limit, or lower trainer.batch_size and "
        "beam.workers",
    )


def disk(name: str, folder: Path, needed_gb: float, setting: str) -> Finding:
    """Whether a folder, or the one it would be made in, can be written and has room.

    Args:
        name: of the finding.
        folder: need not be there.
        needed_gb: gigabytes.
        setting: how another folder is named.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return bad(name, f"{existing} cannot be written", f"name another folder by {setting}")
    free = shutil.disk_usage(existing).free / 1e9
    if free < needed_gb:
        return bad(
            name,
            f"{free:.1f} GB free of the {needed_gb:g} GB that a run may need in {existing}",
            f"make room, or name another folder by {setting}",
        )
    return good(name, f"{free:.1f} GB free in {existing}")


def work_disk(work_dir: str) -> Finding:
    """Whether a run has room for what it keeps."""
    return disk("work folder", Path(work_dir), DISK_GB, "--work-dir")


def temporary_disk() -> Finding:
    """Whether a run has room for what it does not keep."""
    return disk("temporary files", Path(tempfile.gettempdir()), TEMPORARY_GB, "TMPDIR")


def _installed(name: str) -> Version | None:
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


def _out_of_range() -> Iterator[str]:
    """What of `setup.py`'s ranges is not met, apart from extras."""
    for text in metadata.requires("customer-age") or ():
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            found = _installed(needed.name)
            if found is None:
                yield f"{needed.name} is not installed"
            elif not needed.specifier.contains(found, prereleases=True):
                yield f"{needed.name} {found} is not {needed.specifier}"


def _free_memory_gb() -> float | None:
    """Free on the machine, or what the container may have where that is less."""
    found = []
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        line = next(each for each in lines if each.startswith("MemAvailable"))
        found.append(int(line.split()[1]) * 1024 / 1e9)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # `max` is no number: there is no limit
            found.append(int(Path(limit).read_text(encoding="ascii")) / 1e9)
    return min(found, default=None)
