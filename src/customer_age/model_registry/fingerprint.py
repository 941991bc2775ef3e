"""What tells one SavedModel from another."""

import hashlib
from pathlib import Path

_CHUNK = 1 << 20


def saved_model_fingerprint(folder: Path) -> str:
    """Hash the names and contents of a SavedModel's files.

    Args:
        folder: of the SavedModel.

    Returns:
        16 hexadecimal digits of a SHA-256; the same wherever and whenever the files are copied.

    Raises:
        FileNotFoundError: the folder holds no files.
    """
    digest = hashlib.sha256()
    files = sorted(
        (file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file()
    )
    if not files:
        raise FileNotFoundError(f"{folder} holds no SavedModel")
    for name, file in files:
        content = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                content.update(chunk)
        digest.update(name.encode() + b"\0" + content.digest())
    return digest.hexdigest()[:16]
