"""What decides a run's result: its settings, its data, its weights and our code."""

import hashlib
from dataclasses import astuple, dataclass
from pathlib import Path

from . import source_code

_PACKAGE = "customer_age"


@dataclass(frozen=True)
class RunKey:
    """Fingerprints; two runs with the same key have the same result."""

    settings: str = ""
    data: str = ""
    weights: str = ""
    code: str = ""

    def digest(self) -> str:
        """16 hexadecimal digits for all of it."""
        return hashlib.sha256("\0".join(astuple(self)).encode()).hexdigest()[:16]


def code(*rooms: str) -> str:
    """The fingerprint of some rooms of `components`, and of the schema that all of them know."""
    names = [f"{_PACKAGE}.components.{room}" for room in rooms]
    return source_code.fingerprint(*names, f"{_PACKAGE}.schema")


def all_code() -> str:
    """The fingerprint of everything that a run's result depends on."""
    return source_code.fingerprint(f"{_PACKAGE}.components", f"{_PACKAGE}.schema")


def weights_fingerprint(weights: str) -> str:
    """Tells one file of weights from another by name, size and time; a keyword is its own."""
    file = Path(weights)
    if not file.is_file():
        return weights
    stat = file.stat()
    text = f"{file.name} {stat.st_size} {stat.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
