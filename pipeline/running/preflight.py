"""What can be found out before TensorFlow is imported: most mistakes, within seconds."""

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
    """Look at Beam's options, the data set, the weights and the registry from outside.

    Args:
        settings: of the run.
        publishes: whether the run needs a registry that takes a version.

    Returns:
        What decides the run's result.

    Raises:
        SettingsError: options that Beam does not read, no data set, no photos, a table without the
            needed columns, no such file of weights, a batch that is not there or not complete, no
            key for persons, a registry that takes no version or has no champion to start from.
        RunError: the registry fails.
    """
    require_options(settings)
    if settings.data.path is None:
        raise SettingsError(
            "data.path: no data set given; point --data at a folder with a label table and photos"
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
            "start from imagenet or from a file"
        )
    return key


def data_fingerprint(settings: Settings, runs_here: bool = True) -> str:
    """What changes with the data, as far as they can be read from here.

    Args:
        settings: of the run.
        runs_here: whether the run's own machine is this one; a cluster mounts its secrets itself.

    Raises:
        SettingsError: they cannot, or are no data set; a batch is not there or not complete; there
            is no key for persons.
    """
    settings = settings.reached()
    data_sets = ingestion_spec.open_all(settings)
    key = _person_key(settings, data_sets) if runs_here else ""
    return ingestion_spec.fingerprint(settings, data_sets, key)


def _person_key(settings: Settings, data_sets: list[DataSet]) -> str:
    """The key of persons where the tables name any; made once where the settings name none."""
    if not any(data_set.has_persons for data_set in data_sets):
        return ""
    if settings.data.person_key_file is None:
        pseudonyms.make(settings.person_key_file)
    key = pseudonyms.read(settings.person_key_file)
    tombstones.require_key(data_sets[0].forgotten, key)
    return key
