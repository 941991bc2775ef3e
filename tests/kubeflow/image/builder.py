"""The image, built from the Dockerfile by buildah, on stand-ins for its two base images.

Neither base image is in a package registry. Debian 13 with its own Python replaces
`python:3.13-slim-trixie`, and a script replaces Beam's boot. All other layers are built from the
Dockerfile, including downloads.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker.utils.build import exclude_paths

from .lent_files import lent_files
from .stand_ins import KEYRING, beam, debian

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
PROGRAMS = ("buildah", "debootstrap", "unshare", "setpriv")
NEEDED_GIGABYTES = 14


def cache_folder() -> Path:
    """Where the stand-in and the built layers are kept; removing it undoes everything."""
    said = os.environ.get("CUSTOMER_AGE_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(said) if said else Path(user) / "customer-age") / "image"


def missing(cache: Path) -> str | None:
    """Return in one line why the image cannot be built here; None if it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"the image is for Linux on x86_64, and this is {platform.platform()}"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent or not KEYRING.exists():
        return (
            f"building the image needs {', '.join(absent) or KEYRING}: "
            "apt-get install buildah debootstrap debian-archive-keyring util-linux"
        )
    if os.geteuid() != 0:
        return "building the image needs root: run the tests as root"
    cache.mkdir(parents=True, exist_ok=True)
    if not _mounts_overlay(cache):
        return (
            f"no overlay can be mounted in {cache}: CUSTOMER_AGE_CACHE names a folder on a disk, "
            "and root has to be allowed to mount (a container needs --privileged)"
        )
    free = shutil.disk_usage(cache).free / 1e9
    if not (cache / "storage").exists() and free < NEEDED_GIGABYTES:
        return f"{cache} has {free:.0f} GB free, and building the image needs {NEEDED_GIGABYTES}"
    return None


def _mounts_overlay(folder: Path) -> bool:
    script = (
        'cd "$1" && rm -rf .try && mkdir -p .try/a .try/b .try/w .try/m && '
        "mount -t overlay o -o lowerdir=.try/a,upperdir=.try/b,workdir=.try/w .try/m"
    )
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    shutil.rmtree(folder / ".try", ignore_errors=True)
    return mounted


@dataclass(frozen=True)
class Image:
    """A built image."""

    root: Path
    """Its files, mounted; nothing may be written here."""
    configuration: dict
    """The image's `Env`, `User`, `Entrypoint`, `Labels`..."""
    base: Path
    """The files of the stand-in that it was built on."""

    def run(
        self,
        *words: str,
        variables: Sequence[str] = (),
        user: str = "123456:0",
        volumes: Sequence[str] = (),
        timeout: float = 300,
        stdin: bytes = b"",
    ) -> subprocess.CompletedProcess[str]:
        """Start the image's entry point with these words, with a read-only root.

        Args:
            words: what follows the entry point.
            variables: `NAME=VALUE`, besides the image's own.
            user: UID:GID; the default is not in the image, as on OpenShift.
            volumes: writable folders besides `/tmp`.
            timeout: in seconds.
            stdin: what the command reads there.
        """
        command = [
            *(HERE / "read_only_root.sh", self.root, user, "/tmp", *volumes, "--"),
            *(*self.configuration["Env"], *variables),
            *(*self.configuration["Entrypoint"], *words),
        ]
        ended = subprocess.run(
            [str(word) for word in command],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        said = (ended.stdout.decode(), ended.stderr.decode())
        return subprocess.CompletedProcess(ended.args, ended.returncode, *said)


def _fingerprint(dockerfile: Path) -> str:
    """Of all that a builder is sent: names, modes and content."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    found = hashlib.sha256(dockerfile.read_bytes())
    for name in sorted(exclude_paths(str(ROOT), patterns)):
        path = ROOT / name
        if path.is_symlink() or path.is_file():
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found.update(f"{name} {path.lstat().st_mode} {len(content)} ".encode() + content)
    return found.hexdigest()[:16]


class Builder:
    """buildah, with its storage in the cache folder.

    Layers are kept from one build to the next, until a lock file changes.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    @contextmanager
    def built(self, dockerfile: Path = ROOT / "kubeflow" / "Dockerfile") -> Iterator[Image]:
        """The image of the checkout as it stands, its files mounted; one at a time."""
        with (self.cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another checkout's tests may be at it
            self._forget_old_layers()
            self._stand_ins()
            # buildah reads gigabytes to check for changed layers; comparing a name is faster.
            name = f"localhost/customer-age:{_fingerprint(dockerfile)}"
            if not self._buildah("images", "--quiet", "--filter", f"reference={name}"):
                self._build(dockerfile, name)
            container = self._buildah("from", "--pull-never", name)
            try:
                inspected = self._buildah("inspect", "--type", "image", name)
                yield Image(
                    Path(self._buildah("mount", container)),
                    json.loads(inspected)["OCIv1"]["config"],
                    self.cache / "base",
                )
            finally:
                self._buildah("rm", "--all")  # a build leaves one of its own

    def _build(self, dockerfile: Path, name: str) -> None:
        with lent_files() as lent:
            volumes = [f"--volume={file}:{place}:ro" for place, file in lent.items()]
            self._buildah(
                *("bud", "--isolation=chroot", "--layers", "--pull-never", "--target=cpu"),
                *("--build-arg=PYTHON_IMAGE=localhost/python-stand-in", *volumes),
                *("--build-arg=BEAM_IMAGE=localhost/beam-stand-in", f"--tag={name}"),
                f"--file={dockerfile}",
                str(ROOT),
            )

    def _buildah(self, *words: str) -> str:
        """Run buildah; return its output.

        Raises:
            RuntimeError: it failed; the message ends with the end of its output.
        """
        storage = ["--root", self.cache / "storage", "--runroot", self.cache / "run"]
        command = ["buildah", *storage, "--storage-driver", "overlay", *words]
        ended = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            said = "\n".join((ended.stdout + ended.stderr).splitlines()[-20:])
            raise RuntimeError(f"buildah {words[0]} failed:\n{said}")
        return ended.stdout.strip()

    def _forget_old_layers(self) -> None:
        """Remove what stopped tests left, and all there is where other packages are wanted."""
        self._buildah("rm", "--all")
        key = hashlib.sha256()
        for file in (
            HERE / "stand_ins.py",
            ROOT / "requirements" / "uv.txt",
            ROOT / "requirements" / "image-py313.txt",
            ROOT / "kubeflow" / "container" / "trim.sh",
        ):
            key.update(file.read_bytes())
        mark = self.cache / "key"
        if not mark.exists() or mark.read_text() != key.hexdigest():
            self._buildah("rmi", "--all", "--force")
            shutil.rmtree(self.cache / "base", ignore_errors=True)
            mark.write_text(key.hexdigest())

    def _stand_ins(self) -> None:
        known = self._buildah("images", "--format", "{{.Name}}")
        if "localhost/python-stand-in" not in known or not (self.cache / "base").exists():
            self._import(debian(self.cache / "base"), "localhost/python-stand-in")
        if "localhost/beam-stand-in" not in known:
            self._import(beam(self.cache / "beam"), "localhost/beam-stand-in")

    def _import(self, folder: Path, name: str) -> None:
        container = self._buildah("from", "scratch")
        self._buildah("copy", "--quiet", container, str(folder), "/")
        self._buildah("commit", "--quiet", "--rm", container, name)


if __name__ == "__main__":  # build it by hand
    reason = missing(cache_folder())
    if reason:
        sys.exit(reason)
    with Builder(cache_folder()).built() as image:
        print(json.dumps(image.configuration, indent=2))
