"""Checks that need no TensorFlow: they find most errors within seconds."""

from pathlib import Path

from customer_age.errors import SettingsError
from customer_age.labels import DataSet, pseudonyms, tombstones
from customer_age.model_registry import open_registry

from ..graph import ingestion_spec
from ..graph.beam_options import require_options
from ..graph.cache_keys import RunKey, code_of_all, weights_fingerprint
from ..settings.model import WEIGHTS_KEYWORDS
from ..settings.settings import Settings


def check(settings: Settings, publishes: bool = True) -> RunKey:
    """Check Beam's options, the data set, the weights and the registry.

    Args:
        settings: the run's settings.
        publishes: whether the run needs a registry that accepts a new version.

    Returns:
        The key of all that determines the run's result.

    Raises:
        SettingsError: unknown Beam options, no data set, no photos, a table without required
            columns, a missing weights file, a missing or incomplete batch, no person key, a
            registry that accepts no version or has no champion to start from.
        RunError: the registry fails.
    """
    require_options(settings)
    if settings.data.path is None:
        raise SettingsError(
            "data.path: is not set; set --data to a folder with a label table and photos"
        )
    weights = settings.trainer.weights
    if weights not in WEIGHTS_KEYWORDS and not Path(weights).is_file():
        raise SettingsError(
            f"trainer.weights: {weights} is neither a file nor one of {', '.join(WEIGHTS_KEYWORDS)}"
        )
    key = RunKey(
        settings=settings.fingerprint(),
        data=data_fingerprint(settings),
        weights=weights_fingerprint(weights),
        code=code_of_all(),
    )
    if not publishes and weights != "champion":
        return key
    registry = open_registry(settings.registry_uri, settings.registry.model_name)
    if publishes:
        registry.require_ready()
    if weights == "champion" and registry.champion() is None:
        raise SettingsError(
            f"trainer.weights: champion, but there is no champion in {settings.registry_uri} yet; "
            "use imagenet or a file"
        )
    return key


def data_fingerprint(settings: Settings, runs_here: bool = True) -> str:
    """Return a fingerprint of the data, read from this machine.

    Args:
        settings: the run's settings.
        runs_here: whether the run is on this machine; a cluster mounts its secrets itself.

    Raises:
        SettingsError: the data cannot be read or are not a data set, a batch is missing or not
            complete, or there is no person key.
    """
    settings = settings.reached()
    data_sets = ingestion_spec.open_all(settings)
    key = _person_key(settings, data_sets) if runs_here else ""
    return ingestion_spec.fingerprint(settings, data_sets, key)


def _person_key(settings: Settings, data_sets: list[DataSet]) -> str:
    """Return the person key if a table has persons; create it once if the settings name none."""
    if not any(data_set.has_persons for data_set in data_sets):
        return ""
    if settings.data.person_key_file is None:
        pseudonyms.make(settings.person_key_file)
    key = pseudonyms.read(settings.person_key_file)
    tombstones.require_key(data_sets[0].forgotten, key)
    return key
