"""What `predict` and `score` have in common: the version that answers, and the age groups."""

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
The ages are guesses, often wrong by many years. They serve to sort many customers into age groups,
where it does no harm that some are sorted wrongly. They are not fit for any decision about a single
person, and above all not to decide the sale of age-restricted goods.
"""


def groups(settings: Settings, listed: str | None) -> age_groups.AgeGroups:
    """Read the age groups.

    Args:
        settings: whose `gate.age_groups` are taken where none are given.
        listed: such as `0-17,18-34,35-54,55+`.

    Raises:
        SettingsError: they are no age groups.
    """
    names = settings.gate.age_groups if listed is None else listed.split(",")
    try:
        return age_groups.parse(list(names))
    except ValueError as error:
        raise SettingsError(f"--groups {listed}: {error}") from error


def version(registry: "ModelRegistry", name: str | None) -> "ModelVersion":
    """Look a version up; the champion where none is named.

    Raises:
        RunError: there is none.
    """
    if name is not None:
        return registry.version(name)
    champion = registry.champion()
    if champion is None:
        raise RunError(
            "there is no champion to use: `customer-age run` publishes one, `customer-age models "
            "list` shows what there is; the registry is the one of --work-dir, or registry.uri"
        )
    return champion


def fetch(settings: Settings, name: str | None) -> "tuple[ModelVersion, Path]":
    """Look a version up, and bring its model to this machine.

    Args:
        settings: say which registry, and where models are kept.
        name: of the version; None for the champion.

    Returns:
        The version, and the folder of its SavedModel.

    Raises:
        RunError: there is none, or it cannot be fetched.
    """
    from customer_age.model_registry import FINGERPRINT, open_registry

    from . import model_cache

    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    found = version(registry, name)
    models = WorkFolder(settings.work_dir).models
    fingerprint = found.tags.get(FINGERPRINT)
    return found, model_cache.fetch(registry, found.version, fingerprint, models)


def fetch_while_importing(settings: Settings, name: str | None) -> "tuple[ModelVersion, Path]":
    """Fetch a version in a process of its own, while this one imports TensorFlow.

    The registry's client takes about as long to import as TensorFlow, and Python imports one thing
    at a time. Where TensorFlow is there already, there is nothing to do meanwhile.

    Args, returns and raises: see `fetch`.
    """
    if "tensorflow" in sys.modules:
        return fetch(settings, name)
    from .age_model import import_tensorflow

    with ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),  # this process answers Ctrl-C
    ) as beside:
        fetched = beside.submit(fetch, settings, name)
        import_tensorflow()
        try:
            return fetched.result()
        except BrokenProcessPool:  # the other process was killed, or could not begin
            return fetch(settings, name)


def photo_spec(version: "ModelVersion", settings: Settings) -> "PhotoSpec":
    """How the photos were prepared that a version learned from.

    Args:
        version: tells by its settings.
        settings: of the command; for a version made by hand, which tells nothing.

    Raises:
        RunError: what the version has recorded is not valid.
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
            f"version {version.version}: how its photos were prepared is not valid: {listed}"
        ) from error


def face_crops(version: "ModelVersion", settings: Settings) -> bool:
    """Whether a version learned from the face crops beside the photos of a table."""
    recorded = version.settings.get("data.face_crops")
    return settings.data.face_crops if recorded is None else recorded == "true"
