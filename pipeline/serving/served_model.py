"""Loads the model to serve: a published version, or a folder that contains a model."""

import re
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import SettingsError
from customer_age.model_registry import saved_model_fingerprint
from customer_age.photos.spec import PhotoSpec

from ..prediction import model_version
from ..prediction.age_model import AgeModel
from ..settings.settings import Settings

_MODEL_FILE = "saved_model.pb"
_FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class ServedModel:
    """A model, and how its photos are prepared.

    Attributes:
        version: the version in the registry; for a folder its name if that is a number, otherwise
            the first digits of the model's fingerprint.
        model: predicts the ages.
        spec: how the photos were prepared that the model was trained on.
    """

    version: str
    model: AgeModel
    spec: PhotoSpec


def is_folder(named: str) -> bool:
    """Return whether a name is a folder such as `/mnt/models` or `./3`; versions have no slash."""
    return "/" in named


def load(settings: Settings, named: str | None) -> ServedModel:
    """Fetch a model, and load it.

    Args:
        settings: name the registry, and how photos are prepared if the model has no record of it.
        named: a version, a folder, or None for the champion.

    Raises:
        SettingsError: the folder contains no model.
        RunError: the version does not exist, or the model cannot be fetched or loaded.
    """
    if named is not None and is_folder(named):
        folder = _saved_model(Path(named))
        return ServedModel(_version_of(folder), AgeModel(folder), PhotoSpec.within(settings.data))
    version, folder = model_version.fetch_while_importing(settings, named)
    spec = model_version.photo_spec(version, settings)
    return ServedModel(version.version, AgeModel(folder), spec)


def _saved_model(folder: Path) -> Path:
    """Return a SavedModel's folder, or its sub-folder with the highest number, as TF Serving."""
    if (folder / _MODEL_FILE).is_file():
        return folder
    numbered = [each.parent for each in folder.glob(f"*/{_MODEL_FILE}") if _number(each.parent)]
    if not numbered:
        raise SettingsError(
            f"--model {folder}: contains no {_MODEL_FILE}, and no numbered folder with one"
        )
    return max(numbered, key=lambda each: int(each.name))


def _version_of(folder: Path) -> str:
    return _number(folder) or saved_model_fingerprint(folder)[:_FINGERPRINT_DIGITS]


def _number(folder: Path) -> str:
    return folder.name if re.fullmatch("[0-9]{1,18}", folder.name) else ""
