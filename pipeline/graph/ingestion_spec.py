"""From the settings to the spec of PhotoExampleGen, and to the data sets that it reads."""

from collections.abc import Sequence

from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.files.content_digests import ContentDigests
from customer_age.labels import data_set, open_data_sets

from ..settings.settings import Settings


def of(settings: Settings) -> IngestionSpec:
    """How PhotoExampleGen makes examples; which batches a run learns from is a run parameter."""
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
    """Look at the data set and the batches from outside; nobody's hash is made.

    Args:
        settings: of the run, its addresses as they are reached.

    Raises:
        SettingsError: one of them cannot be read.
    """
    data = settings.data
    return open_data_sets(data.path or "", of(settings), data.batches, keyed=False)


def fingerprint(
    settings: Settings, data_sets: Sequence[data_set.DataSet], person_key: str = ""
) -> str:
    """What changes with the data of a run: their tables and photos, the tombstones, the key.

    Args:
        settings: of the run, its addresses as they are reached; in its batch cache, the digests
            of photos are remembered.
        data_sets: the data set, then the batches.
        person_key: keys the hash that stands for a person, where one is.

    Raises:
        SettingsError: a table cannot be read, or a store does not answer.
    """
    digests = ContentDigests(settings.batch_cache)
    return data_set.fingerprint_of_all(data_sets, digests, person_key)
