"""The spec of PhotoExampleGen, and the data sets that it reads, from the settings."""

from collections.abc import Sequence

from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import data_set, open_data_sets

from ..settings.settings import Settings


def of(settings: Settings) -> IngestionSpec:
    """Return the spec of PhotoExampleGen; the batches of a run are a run parameter instead."""
    data = settings.data
    shared = {
        name: getattr(data, name) for name in IngestionSpec.model_fields if hasattr(data, name)
    }
    return IngestionSpec(
        **{
            **shared,
            "age_groups": settings.gate.age_groups,
            "batch_cache": settings.batch_cache,
            "person_key_file": settings.person_key_file,
        }
    )


def open_all(settings: Settings) -> list[data_set.DataSet]:
    """Open the data set and the batches, without hashing persons.

    Args:
        settings: the run's settings, with complete addresses (`Settings.reached`).

    Raises:
        SettingsError: one of them cannot be read.
    """
    data = settings.data
    return open_data_sets(data.path or "", of(settings), data.batches, keyed=False)


def fingerprint(
    settings: Settings, data_sets: Sequence[data_set.DataSet], person_key: str = ""
) -> str:
    """Return a fingerprint of a run's data: tables, photos, tombstones and person key.

    Args:
        settings: the run's settings, with complete addresses (`Settings.reached`); their batch
            cache stores the digests of photos.
        data_sets: the data set, then the batches.
        person_key: the key of the hash that identifies a person; may be empty.

    Raises:
        SettingsError: a table cannot be read, or a store does not answer.
    """
    digests = ContentDigests(settings.batch_cache)
    return data_set.fingerprint_of_all(data_sets, digests, person_key)
