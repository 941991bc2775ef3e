"""The stand-ins for the two base images of the Dockerfile."""

import shutil
import subprocess
from pathlib import Path

from .lent_files import PLACES

MIRROR = Path(__file__).parents[2] / "debian13" / "mirror.sh"
PACKAGES = "ca-certificates,python3,python3-venv,python3-pip,python3-dev"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
BEAM_BOOT = """#!/bin/sh
echo "stand-in for Beam's boot: $*"
"""


def debian(base: Path) -> Path:
    """Make a Debian 13 that has what `python:3.13-slim-trixie` has, and where it has it."""
    new = base.with_suffix(".new")
    if base.exists():
        return base
    shutil.rmtree(new, ignore_errors=True)
    mirror = subprocess.run([MIRROR], capture_output=True, text=True, check=True).stdout.strip()
    include = f"--include={PACKAGES}"
    # In a namespace of its own: what debootstrap mounts ends with it, if it is killed too.
    alone = ["unshare", "--mount", "--propagation=private"]
    made = subprocess.run(
        [*alone, "debootstrap", "--variant=minbase", include, "trixie", new, mirror],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError("debootstrap failed:\n" + "\n".join(made.stdout.splitlines()[-5:]))
    for name, target in (("python3", "/usr/bin/python3"), ("python", "python3")):
        (new / "usr" / "local" / "bin" / name).symlink_to(target)
    for marker in (new / "usr" / "lib").glob("python3.*/EXTERNALLY-MANAGED"):
        marker.unlink()  # Debian's marker against pip, which the real image does not have
    for place in ("var/lib/apt/lists", "var/cache/apt/archives"):
        shutil.rmtree(new / place)
        (new / place / "partial").mkdir(parents=True)
    for place in PLACES:  # what a build is lent is mounted over files that no layer adds
        (new / place.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
        (new / place.relative_to("/")).touch()
    return new.rename(base)


def beam(folder: Path) -> Path:
    """Make what the Dockerfile takes of Beam's image."""
    boot = folder / "opt" / "apache" / "beam" / "boot"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text(BEAM_BOOT)
    boot.chmod(0o755)
    return folder
