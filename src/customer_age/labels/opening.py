"""From PhotoExampleGen's parameters to the data sets that it reads."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from customer_age.errors import SettingsError
from customer_age.files import store

from . import batches, pseudonyms, tombstones
from .cards.card_table import CardSettings
from .data_set import DataSet, open_data_set


def open_all(
    base: str, parameters: Mapping[str, Any], beam_args: Sequence[str], keyed: bool = True
) -> list[DataSet]:
    """Open the base set and the batches of the window.

    Args:
        base: the base set's folder.
        parameters: of `PhotoExampleGenSpec`.
        beam_args: Beam options.
        keyed: whether persons need their hash; False only to look at the data from outside.

    Returns:
        The base set, then the batches by name.

    Raises:
        SettingsError: one cannot be read, or persons have no key.
    """
    named_batches = batches.batch_names(parameters.get("batches") or "")
    where = parameters.get("inbox") or ""
    if named_batches and not where:
        raise SettingsError("data.inbox: not set, and data.batches names batches of it")
    columns = json.loads(parameters.get("columns") or "{}")
    keep_columns = json.loads(parameters.get("keep_columns") or "[]")
    asked = json.loads(parameters.get("cards") or "{}")
    cards = CardSettings(**asked, beam_args=tuple(beam_args))
    forgotten = tombstones.read(where, beam_args) if where else tombstones.NOBODY
    data_sets = [
        open_data_set(
            base,
            parameters["layout"],
            bool(parameters["face_crops"]),
            columns,
            keep_columns,
            beam_args=beam_args,
            # A base set knows no batches whose photos of a card could be counted.
            cards=dataclasses.replace(cards, max_photos_per_card=None),
            forgotten=forgotten,
        )
    ]

    def opened(batch: str) -> DataSet:
        return batches.open_batch(
            where,
            batch,
            columns=columns,
            keep_columns=keep_columns,
            beam_args=beam_args,
            cards=cards,
            forgotten=forgotten,
        )

    with ThreadPoolExecutor(store.at_once(where)) as pool:
        data_sets += pool.map(opened, named_batches)
    if not keyed or not any(data_set.has_persons for data_set in data_sets):
        return data_sets
    key = pseudonyms.read(parameters.get("person_key_file") or "")
    tombstones.require_key(forgotten, key)
    return [dataclasses.replace(data_set, person_key=key) for data_set in data_sets]
