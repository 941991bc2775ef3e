"""Fingerprints of our own source code, so that a cached result never outlives its code."""

import hashlib
import importlib.util
from pathlib import Path


def fingerprint(*packages: str) -> str:
    """Hash the source files of packages, without importing them.

    TFX reuses a result when a component's inputs and parameters are the same; a component that
    carries this value as a parameter is run again when its code changed.

    Args:
        packages: dotted names, such as `customer_age.components.trainer`.

    Returns:
        12 hexadecimal digits of a SHA-256 over names and contents.

    Raises:
        ModuleNotFoundError: a name is not to be found.
    """
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named {package!r}")
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
