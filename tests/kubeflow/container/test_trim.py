"""What the image's packages are trimmed of, and what stays (`trim.sh`)."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

TRIM = Path(__file__).parents[3] / "kubeflow" / "container" / "trim.sh"


def test_trimming_keeps_packages_and_what_an_installer_linked(tmp_path):
    packages = tmp_path / "venv" / "lib" / "python3.13" / "site-packages"
    kept = ("one/LICENSE", "one/testing/__init__.py", "one-1.0.dist-info/METADATA")
    gone = ("one/tests/test_one.py", "one/sub/tests/LICENSE", "mlflow/server/js/build/index.html")
    for name in (*kept, *gone):
        (packages / name).parent.mkdir(parents=True, exist_ok=True)
        (packages / name).touch()
    [source] = Path(importlib.util.find_spec("ml_metadata").origin).parent.rglob("*extension*.so")
    cached, library = tmp_path / "cached.so", packages / "one" / "one.so"
    shutil.copy(source, cached)
    os.link(cached, library)
    subprocess.run([TRIM, tmp_path / "venv"], check=True)
    assert [name for name in kept if not (packages / name).exists()] == []
    assert [name for name in gone if (packages / name).exists()] == []
    assert cached.read_bytes() == source.read_bytes()
    assert library.stat().st_size < cached.stat().st_size
    assert library.stat().st_mode == cached.stat().st_mode
    assert not list(packages.rglob("*.stripped"))
