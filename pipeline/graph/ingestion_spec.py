"""From the settings to the parameters of PhotoExampleGen, and to the data sets that it reads."""

import json
from collections.abc import Sequence
from typing import Any

from customer_age.labels import data_set, open_data_sets, pseudonyms
from customer_age.labels.tables import digest_of

from ..settings.settings import Settings


def parameters(settings: Settings) -> dict[str, Any]:
    """The parameters of PhotoExampleGen that say where batches are and what is asked of them.

    Which of them a run learns from is a run parameter.
    """
    data = settings.data
    cards = {
        "profiles": data.profiles,
        "max_profile_age_days": data.max_profile_age_days,
        "max_photos_per_card": data.max_photos_per_card,
    }
    return {
        "inbox": data.inbox or "",
        "batch_cache": settings.batch_cache,
        "cards": {name: value for name, value in cards.items() if value is not None},
        "person_key_file": settings.person_key_file,
    }


def open_all(settings: Settings) -> list[data_set.DataSet]:
    """Look at the base set and the batches from outside; nobody's hash is made.

    Raises:
        SettingsError: one of them cannot be read.
    """
    data, batches = settings.data, parameters(settings)
    all_parameters = {
        **batches,
        "batches": ",".join(data.batches),
        "layout": data.layout,
        "face_crops": data.face_crops,
        "columns": json.dumps(data.columns),
        "keep_columns": json.dumps(data.keep_columns),
        "cards": json.dumps(batches["cards"]),
    }
    return open_data_sets(data.path or "", all_parameters, settings.beam.args, keyed=False)


def fingerprint(data_sets: Sequence[data_set.DataSet], person_key: str = "") -> str:
    """What changes with the data of a run: their tables and photos, the tombstones, the key.

    Args:
        data_sets: the base set, then the batches.
        person_key: keys the hash that stands for a person, where one is.
    """
    found = data_set.fingerprints(data_sets)
    forgotten = data_sets[0].forgotten.fingerprint()
    if len(found) == 1 and not forgotten and not person_key:
        return found[0]
    named = [f"{each.batch}={one}" for each, one in zip(data_sets, found, strict=True)]
    return digest_of(*named, forgotten, pseudonyms.fingerprint(person_key))
