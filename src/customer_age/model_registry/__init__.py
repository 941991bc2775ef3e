"""Versions of the model, one of them the champion, and the way back."""

from . import google_errors
from .baseline import baseline_for
from .fingerprint import saved_model_fingerprint
from .open_registry import open_registry, sqlite_file
from .registry import (
    BATCHES,
    DEAL,
    FINGERPRINT,
    FORCED,
    MAE,
    REPORT,
    ModelRegistry,
    ModelVersion,
    Publication,
)

__all__ = [
    "BATCHES",
    "DEAL",
    "FINGERPRINT",
    "FORCED",
    "MAE",
    "REPORT",
    "ModelRegistry",
    "ModelVersion",
    "Publication",
    "baseline_for",
    "google_errors",
    "open_registry",
    "saved_model_fingerprint",
    "sqlite_file",
]
