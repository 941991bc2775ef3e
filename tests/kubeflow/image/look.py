"""Inspects the packages of an image from inside, and prints the result as JSON.

It is run by the image's own Python: it imports nothing of ours.
"""

import ctypes
import json
import os
import sys
from pathlib import Path

PACKAGES = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"


def broken_libraries() -> list[str]:
    """Libraries that the loader refuses for what is in the file: `strip` can do that."""
    found = []
    for library in sorted(PACKAGES.rglob("*.so*")):
        if library.is_file() and ".so" in library.suffixes:
            try:
                ctypes.CDLL(str(library), mode=os.RTLD_LAZY)
            except OSError as error:
                if any(word in str(error) for word in ("ELF", "too short", "alloc", "segment")):
                    found.append(f"{library}: {error}")
    return found


def stale_byte_code() -> list[str]:
    """Sources with outdated byte code: it has another time or size."""
    found = []
    for source in PACKAGES.rglob("*.py"):
        compiled = (
            source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        )
        if compiled.exists():
            with compiled.open("rb") as file:
                header = file.read(16)
            status = source.stat()
            kept = [int.from_bytes(header[at : at + 4], "little") for at in (4, 8, 12)]
            if kept != [0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF]:
                found.append(str(source))
        else:
            found.append(str(source))
    return found


if __name__ == "__main__":
    json.dump({"stale": stale_byte_code(), "broken": broken_libraries()}, sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # libraries that were never meant to share a process end badly together
