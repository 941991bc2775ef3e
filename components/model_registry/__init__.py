"""Versions of the model, one of them the champion, and the way back."""

from customer_age.components.model_registry.fingerprint import saved_model_fingerprint
from customer_age.components.model_registry.opening import open_registry
from customer_age.components.model_registry.registry import (
    ModelRegistry,
    ModelVersion,
    Publication,
)

__all__ = [
    "ModelRegistry",
    "ModelVersion",
    "Publication",
    "open_registry",
    "saved_model_fingerprint",
]
