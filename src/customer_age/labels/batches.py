"""What a run reads: the base set, and batches of loyalty-card photos from the inbox.

A batch is a sub-folder of the inbox with `photos.csv`, its photos, and an empty `_SUCCESS` that
is written last. Names that begin with `_` or `.` are none of batches.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from customer_age.errors import SettingsError
from customer_age.files import addresses, folders
from customer_age.schema.batch_names import batch_names

from . import layouts, pseudonyms, tombstones
from .cards.card_table import CardSettings
from .data_set import DataSet, open_data_set
from .tables import SUFFIXES
from .tombstones import Forgotten

COMPLETE = "_SUCCESS"
LAYOUT = "loyalty_card"


def open_batch(
    inbox: str,
    batch: str,
    *,
    columns: Mapping[str, str],
    keep_columns: Sequence[str],
    beam_args: Sequence[str],
    cards: CardSettings,
    forgotten: Forgotten,
) -> DataSet:
    """Open a batch of the inbox.

    Its profiles come from where the settings say, else from `cards.csv` in the batch, else from
    the one in the inbox.

    Args:
        inbox: a folder, or an address in an object store.
        batch: the name of the sub-folder.
        columns: see `open_data_set`, as all that follow.
        keep_columns: further columns to keep.
        beam_args: Beam options.
        cards: what is asked of loyalty cards.
        forgotten: what no run may learn from.

    Raises:
        SettingsError: there is no such batch, it is not complete, or it cannot be read.
    """
    address = addresses.join(inbox, batch)
    folder = folders.open_if_there(address, beam_args)
    if folder is None:
        raise SettingsError(f"data.batches: {address}: there is no such batch")
    if not folder.has_file(COMPLETE):
        raise SettingsError(
            f"data.batches: {address}: not complete, for want of {COMPLETE}, which is written last"
        )
    if not cards.profiles and not layouts.named(folder, "cards"):
        cards = dataclasses.replace(cards, profiles=_shared_profiles(inbox, beam_args))
    return open_data_set(
        address,
        LAYOUT,
        face_crops=False,
        columns=columns,
        keep_columns=keep_columns,
        beam_args=beam_args,
        cards=cards,
        batch=batch,
        forgotten=forgotten,
    )


def open_data_sets(
    base: str, parameters: Mapping[str, Any], beam_args: Sequence[str], keyed: bool = True
) -> list[DataSet]:
    """Open the base set, and the batches of the inbox that a run learns from.

    Args:
        base: the base set's folder, or its address in an object store.
        parameters: of `PhotoExampleGenSpec`.
        beam_args: Beam options.
        keyed: whether persons need their hash; False only to look at the data from outside.

    Returns:
        The base set, then the batches by name.

    Raises:
        SettingsError: one cannot be read, or persons have no key.
    """
    names = batch_names(parameters.get("batches") or "")
    inbox = parameters.get("inbox") or ""
    if names and not inbox:
        raise SettingsError("data.inbox: not set, and data.batches names batches of it")
    columns = json.loads(parameters.get("columns") or "{}")
    keep_columns = json.loads(parameters.get("keep_columns") or "[]")
    card_settings = json.loads(parameters.get("cards") or "{}")
    cards = CardSettings(**card_settings, beam_args=tuple(beam_args))
    forgotten = tombstones.read(inbox, beam_args) if inbox else tombstones.NOBODY
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
        return open_batch(
            inbox,
            batch,
            columns=columns,
            keep_columns=keep_columns,
            beam_args=beam_args,
            cards=cards,
            forgotten=forgotten,
        )

    with ThreadPoolExecutor(addresses.at_once(inbox)) as pool:
        data_sets += pool.map(opened, names)
    if not keyed or not any(data_set.has_persons for data_set in data_sets):
        return data_sets
    key = pseudonyms.read(parameters.get("person_key_file") or "")
    tombstones.require_key(forgotten, key)
    return [dataclasses.replace(data_set, person_key=key) for data_set in data_sets]


def _shared_profiles(inbox: str, beam_args: Sequence[str]) -> str:
    """The table beside the batches, or empty."""
    for suffix in SUFFIXES:
        address = f"{inbox.rstrip('/')}/cards{suffix}"
        if folders.is_file(address, beam_args):
            return address
    return ""
