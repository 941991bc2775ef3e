"""The model registry: versions of the model, one of which is the champion, and the rollback."""

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
    RUN_ID,
    ModelRegistry,
    ModelVersion,
    Publication,
    run_again,
)

__all__ = [
    "BATCHES",
    "DEAL",
    "FINGERPRINT",
    "FORCED",
    "MAE",
    "REPORT",
    "RUN_ID",
    "ModelRegistry",
    "ModelVersion",
    "Publication",
    "baseline_for",
    "google_errors",
    "open_registry",
    "run_again",
    "saved_model_fingerprint",
    "sqlite_file",
]
