"""The fingerprint that identifies a SavedModel."""

import hashlib
import re
from pathlib import Path

from customer_age.files import store
from customer_age.files.entries import misnamed

FORM = re.compile("[0-9a-f]{16}")
"""Matches a valid fingerprint: a registry may contain any text as one."""

_CHUNK = 1 << 20


def saved_model_fingerprint(folder: Path) -> str:
    """Hash the names and contents of a SavedModel's files.

    Args:
        folder: of the SavedModel.

    Returns:
        16 hexadecimal digits of a SHA-256; the same for all copies of the files.

    Raises:
        FileNotFoundError: the folder contains no files.
        OSError: a file cannot be read, or is a link out of the folder.
    """
    digest = hashlib.sha256()
    files = sorted(store.list(str(folder)), key=lambda each: each.name)
    if not files:
        raise FileNotFoundError(f"{folder} contains no SavedModel")
    for each in files:
        if each.outside:
            raise misnamed(each.name, "is a link out of its folder", str(folder))
    for name in (each.name for each in files):
        content = hashlib.sha256()
        with (folder / name).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                content.update(chunk)
        digest.update(name.encode() + b"\0" + content.digest())
    return digest.hexdigest()[:16]
