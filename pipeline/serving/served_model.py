"""Which model is served: a published version, or a folder that holds one."""

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
        version: in the registry; of a folder its name where that is a number, and else the first
            digits of the model's fingerprint.
        model: to ask.
        spec: how the photos were prepared that it learned from.
    """

    version: str
    model: AgeModel
    spec: PhotoSpec


def is_folder(named: str) -> bool:
    """Whether a model is named by a folder: `/mnt/models`, `./3`; a version has no slash."""
    return "/" in named


def load(settings: Settings, named: str | None) -> ServedModel:
    """Fetch a model, and load it.

    Args:
        settings: say which registry; and how photos are prepared, where the model does not.
        named: a version, a folder, or None for the champion.

    Raises:
        SettingsError: there is no such folder.
        RunError: there is no such version, or it cannot be fetched or loaded.
    """
    if named is not None and is_folder(named):
        folder = _saved_model(Path(named))
        spec = PhotoSpec.model_validate(
            settings.data.model_dump(include=set(PhotoSpec.model_fields))
        )
        return ServedModel(_version_of(folder), AgeModel(folder), spec)
    version, folder = model_version.fetch_while_importing(settings, named)
    spec = model_version.photo_spec(version, settings)
    return ServedModel(version.version, AgeModel(folder), spec)


def _saved_model(folder: Path) -> Path:
    """A folder with a SavedModel, or the one with the highest number in it, as for TF Serving."""
    if (folder / _MODEL_FILE).is_file():
        return folder
    numbered = [each.parent for each in folder.glob(f"*/{_MODEL_FILE}") if _number(each.parent)]
    if not numbered:
        raise SettingsError(
            f"--model {folder}: there is no {_MODEL_FILE}, and no folder with a number that has one"
        )
    return max(numbered, key=lambda each: int(each.name))


def _version_of(folder: Path) -> str:
    return _number(folder) or saved_model_fingerprint(folder)[:_FINGERPRINT_DIGITS]


def _number(folder: Path) -> str:
    return folder.name if re.fullmatch("[0-9]{1,18}", folder.name) else ""
