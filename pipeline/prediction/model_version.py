"""What `predict` and `score` share: the version that predicts, and the age groups."""

import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from customer_age.errors import RunError, SettingsError
from customer_age.schema import age_groups

from ..running.work_folder import WorkFolder
from ..settings.settings import Settings

if TYPE_CHECKING:
    from customer_age.model_registry import ModelRegistry, ModelVersion
    from customer_age.photos.spec import PhotoSpec

UNFIT = """
The ages are estimates, often wrong by many years. Use them to sort many customers into age groups,
where it does no harm if some are in the wrong group. Do not use them for any decision about a
single person, and above all not to decide the sale of age-restricted goods.
"""


def groups(settings: Settings, listed: str | None) -> age_groups.AgeGroups:
    """Read the age groups.

    Args:
        settings: the pipeline's settings; `gate.age_groups` is the default.
        listed: age groups in years, such as `0-17,18-34,35-54,55+`, or None.

    Raises:
        SettingsError: the age groups are not valid.
    """
    names = settings.gate.age_groups if listed is None else listed.split(",")
    try:
        return age_groups.parse(list(names))
    except ValueError as error:
        raise SettingsError(f"--groups {listed}: {error}") from error


def version(registry: "ModelRegistry", name: str | None) -> "ModelVersion":
    """Return a version of the registry; the champion if no version is named.

    Raises:
        RunError: the version does not exist, or there is no champion.
    """
    if name is not None:
        return registry.version(name)
    champion = registry.champion()
    if champion is None:
        raise RunError(
            "there is no champion in the registry: `customer-age run` publishes one, `customer-age "
            "models list` lists all versions; the registry is the one of --work-dir, or "
            "registry.uri"
        )
    return champion


def fetch(settings: Settings, name: str | None) -> "tuple[ModelVersion, Path]":
    """Find a version, and download its model to this machine.

    Args:
        settings: name the registry and the folder of models.
        name: the version's name; None for the champion.

    Returns:
        The version, and the folder of its SavedModel.

    Raises:
        RunError: the version does not exist or cannot be fetched.
    """
    from customer_age.model_registry import FINGERPRINT, open_registry

    from . import model_cache

    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    found = version(registry, name)
    models = WorkFolder(settings.work_dir).models
    fingerprint = found.tags.get(FINGERPRINT)
    return found, model_cache.fetch(registry, found.version, fingerprint, models)


def fetch_while_importing(settings: Settings, name: str | None) -> "tuple[ModelVersion, Path]":
    """Fetch a version in another process, while this process imports TensorFlow.

    The registry's client takes about as long to import as TensorFlow, and a Python process imports
    one module at a time. If TensorFlow is already imported, this is the same as `fetch`.

    Args, returns and raises: see `fetch`.
    """
    if "tensorflow" in sys.modules:
        return fetch(settings, name)
    from .age_model import import_tensorflow

    with ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # this process handles Ctrl-C
    ) as other_process:
        fetched = other_process.submit(fetch, settings, name)
        import_tensorflow()
        try:
            return fetched.result()
        except BrokenProcessPool:  # the other process was killed, or could not start
            return fetch(settings, name)


def photo_spec(version: "ModelVersion", settings: Settings) -> "PhotoSpec":
    """Return how the photos were prepared that a version was trained on.

    Args:
        version: the version, with its recorded settings.
        settings: the command's settings, used for a version made by hand, which has no record.

    Raises:
        RunError: the recorded settings are not valid.
    """
    from customer_age.photos.spec import PhotoSpec

    recorded = {
        name: version.settings.get(f"data.{name}", getattr(settings.data, name))
        for name in PhotoSpec.model_fields
    }
    try:
        return PhotoSpec.model_validate({name: int(value) for name, value in recorded.items()})
    except ValueError as error:
        listed = ", ".join(f"{name} {value}" for name, value in recorded.items())
        raise RunError(
            f"version {version.version}: its recorded photo settings are not valid: {listed}"
        ) from error


def face_crops(version: "ModelVersion", settings: Settings) -> bool:
    """Return whether a version was trained on the face crops next to the photos of a table."""
    recorded = version.settings.get("data.face_crops")
    return settings.data.face_crops if recorded is None else recorded == "true"
