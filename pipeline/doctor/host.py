"""Checks of the machine itself: Python, C library, installed packages, memory and disk."""

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
"""The oldest and the newest supported Python."""

GLIBC_OF_1_21 = Version("2.38")
"""The glibc that the wheels of ML Metadata and TFDV require since TFX 1.17."""

MEMORY_GB = 4.0
"""Gigabytes; a run on 5,838 photos with default settings used 3.0 GB at its peak, plus a margin."""

DISK_GB = 5.0
"""Gigabytes for the resized photos and, during training, several copies of a 280 MB model."""

TEMPORARY_GB = 1.0
"""Gigabytes for Beam's shuffles, and for the canary's copy of the model."""


def python() -> Finding:
    """Check that TFX and this project support this Python."""
    version = sys.version_info[:2]
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return good("Python", f"{sys.version.split()[0]} ({sys.executable})")
    return bad(
        "Python",
        f"{sys.version.split()[0]} ({sys.executable})",
        "use Python 3.11 to 3.13, for example: make PYTHON=python3.11",
    )


def glibc() -> Finding:
    """Check that the C library is new enough for the installed TFX."""
    try:
        found = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError):
        found = None
    if not found:
        return bad(
            "glibc",
            "not found",
            "TFX's wheels need glibc: use Debian 12 or Ubuntu 22.04, or newer",
        )
    version = Version(found.split()[-1])
    tfx = _installed("tfx")
    if tfx is not None and tfx >= Version("1.17") and version < GLIBC_OF_1_21:
        return bad(
            "glibc",
            f"{version}, but TFX {tfx} needs {GLIBC_OF_1_21}",
            "install TFX 1.16 (make setup with Python 3.11), or use Debian 13 or Ubuntu 24.04",
        )
    return good("glibc", str(version))


def tfx_line() -> Finding:
    """Check the installed TFX, and that all other packages are in the required ranges."""
    tfx = _installed("tfx")
    if tfx is None:
        return bad("TFX line", "TFX is not installed", "run make setup or pip install customer-age")
    wrong = list(_out_of_range())
    names = ("tensorflow", "keras", "tensorflow-data-validation", "tensorflow-model-analysis")
    versions = ", ".join(f"{name} {_installed(name)}" for name in (*names, "apache-beam"))
    line = f"{tfx.major}.{tfx.minor} (tfx {tfx}, {versions})"
    if wrong:
        return bad(
            "TFX line",
            f"{line}; {', '.join(wrong)}",
            "run make setup, which installs the locked versions",
        )
    return good("TFX line", line)


def memory() -> Finding:
    """Check that there is enough memory for a run."""
    free = _free_memory_gb()
    if free is None:
        return absent("memory", "unknown: this system does not report it")
    if free >= MEMORY_GB:
        return good("memory", f"{free:.1f} GB free")
    return bad(
        "memory",
        f"{free:.1f} GB free, but a run may need {MEMORY_GB:g} GB",
        "stop other programs, raise the container's limit, or lower trainer.batch_size and "
        "beam.workers",
    )


def disk(name: str, folder: Path, needed_gb: float, setting: str) -> Finding:
    """Check that a folder, or the one it would be created in, is writable and has space.

    Args:
        name: the name of the finding.
        folder: the folder; it may not exist yet.
        needed_gb: required space in gigabytes.
        setting: the option or variable that chooses another folder.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return bad(name, f"{existing} is not writable", f"choose another folder with {setting}")
    free = shutil.disk_usage(existing).free / 1e9
    if free < needed_gb:
        return bad(
            name,
            f"{free:.1f} GB free in {existing}, but a run may need {needed_gb:g} GB",
            f"free some space, or choose another folder with {setting}",
        )
    return good(name, f"{free:.1f} GB free in {existing}")


def work_disk(work_dir: str) -> Finding:
    """Check that there is space for the files that a run keeps."""
    return disk("work folder", Path(work_dir), DISK_GB, "--work-dir")


def temporary_disk() -> Finding:
    """Check that there is space for the temporary files of a run."""
    return disk("temporary files", Path(tempfile.gettempdir()), TEMPORARY_GB, "TMPDIR")


def _installed(name: str) -> Version | None:
    try:
        return Version(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


def _out_of_range() -> Iterator[str]:
    """Describe each package outside the ranges of `setup.py`, without extras."""
    for text in metadata.requires("customer-age") or ():
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            found = _installed(needed.name)
            if found is None:
                yield f"{needed.name} is not installed"
            elif not needed.specifier.contains(found, prereleases=True):
                yield f"{needed.name} {found} is not {needed.specifier}"


def _free_memory_gb() -> float | None:
    """Return the machine's free memory, or the container's limit if that is less."""
    found = []
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        line = next(each for each in lines if each.startswith("MemAvailable"))
        found.append(int(line.split()[1]) * 1024 / 1e9)
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # `max` means that there is no limit
            found.append(int(Path(limit).read_text(encoding="ascii")) / 1e9)
    return min(found, default=None)
