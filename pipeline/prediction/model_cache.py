"""Published models on this machine, each fetched from the registry once."""

import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from customer_age.errors import RunError
from customer_age.model_registry import ModelRegistry, saved_model_fingerprint
from customer_age.model_registry.fingerprint import FORM

_UNFINISHED = ".unfinished-"
_ABANDONED_AFTER = 24 * 3600
"""Seconds; no download takes that long."""


def fetch(registry: ModelRegistry, version: str, fingerprint: str | None, cache: Path) -> Path:
    """Return the folder of a version's SavedModel; download it if it is not in the cache.

    The cache may be deleted at any time. A cached model is used only if all its bytes are the same
    as those that were published.

    Args:
        registry: the registry to download from.
        version: the version's number.
        fingerprint: fingerprint of its SavedModel; None if the registry does not have it, because
            the version was made by hand. Such a version is downloaded each time.
        cache: a folder of models, named by their fingerprints; created if it does not exist.

    Raises:
        RunError: the registry fails, or the cache cannot be written.
    """
    # A registry may contain any text as a fingerprint: only a valid one becomes a path.
    known = fingerprint if fingerprint is not None and FORM.fullmatch(fingerprint) else None
    if known is not None and _is_intact(cache / known, known):
        return cache / known
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _clear_away_unfinished(cache)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=cache) as scratch:
            folder = registry.download(version, Path(scratch) / "model")
            return _kept(folder, cache, known or saved_model_fingerprint(folder))
    except OSError as error:
        raise RunError(
            f"{cache}: the model cannot be written there ({error.strerror or error}); "
            "choose another --work-dir"
        ) from error


def _is_intact(folder: Path, fingerprint: str) -> bool:
    return folder.is_dir() and _fingerprint(folder) == fingerprint


def _fingerprint(folder: Path) -> str | None:
    try:
        return saved_model_fingerprint(folder)
    except OSError:  # empty or not readable
        return None


def _kept(folder: Path, cache: Path, fingerprint: str) -> Path:
    """Rename a complete folder in one step; another process may have been faster."""
    kept = cache / fingerprint
    if kept.exists() and not _is_intact(kept, fingerprint):
        kept.rename(folder.with_name("broken"))  # deleted with the rest of the scratch folder
    try:
        folder.rename(kept)
    except OSError:
        if not _is_intact(kept, fingerprint):
            raise
    return kept


def _clear_away_unfinished(cache: Path) -> None:
    """Delete folders that killed processes left."""
    for folder in cache.glob(f"{_UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):  # its owner has just ended
            if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(folder)
