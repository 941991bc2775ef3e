"""Versions of the model, one of them the champion, and the way back."""

from .fingerprint import saved_model_fingerprint
from .open_registry import open_registry
from .registry import ModelRegistry, ModelVersion, Publication

__all__ = [
    "ModelRegistry",
    "ModelVersion",
    "Publication",
    "open_registry",
    "saved_model_fingerprint",
]
