"""The inbox: a folder of batches of loyalty-card photos.

A batch is a sub-folder with `photos.csv`, its photos, and an empty `_SUCCESS` that is written
last. Names that begin with `_` or `.` are none of batches.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from customer_age.components import run_parameters
from customer_age.errors import SettingsError
from customer_age.files import store

from . import data_set, layouts
from .cards.card_table import CardSettings
from .tables import SUFFIXES
from .tombstones import Forgotten

COMPLETE = "_SUCCESS"
LAYOUT = "loyalty_card"
BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]*")


def batch_names(text: str) -> list[str]:
    """Read comma-separated names of batches.

    Returns:
        Each name once, sorted: a run does not depend on the order in which they are given.

    Raises:
        SettingsError: a name cannot be one.
    """
    names = sorted(set(run_parameters.split_names(text)))
    for name in names:
        if not BATCH_NAME.fullmatch(name):
            raise SettingsError(
                f"data.batches: {name!r} is no name of a batch: letters, digits and . _ = - "
                "are, and the first is a letter or a digit"
            )
    return names


def open_batch(
    inbox: str,
    batch: str,
    *,
    columns: Mapping[str, str],
    keep_columns: Sequence[str],
    beam_args: Sequence[str],
    cards: CardSettings,
    forgotten: Forgotten,
) -> data_set.DataSet:
    """Open a batch of the inbox.

    Its profiles come from where the settings say, else from `cards.csv` in the batch, else from
    the one in the inbox.

    Args:
        inbox: a folder, or an address in an object store.
        batch: the name of the sub-folder.
        columns: see `sources.open_data_set`, as all that follow.
        keep_columns: further columns to keep.
        beam_args: Beam options.
        cards: what is asked of loyalty cards.
        forgotten: what no run may learn from.

    Raises:
        SettingsError: there is no such batch, it is not complete, or it cannot be read.
    """
    address = f"{inbox.rstrip('/')}/{batch}"
    folder = store.open_if_there(address, beam_args)
    if folder is None:
        raise SettingsError(f"data.batches: {address}: there is no such batch")
    if not folder.has_file(COMPLETE):
        raise SettingsError(
            f"data.batches: {address}: not complete, for want of {COMPLETE}, which is written last"
        )
    if not cards.profiles and not layouts.named(folder, "cards"):
        cards = dataclasses.replace(cards, profiles=_shared_profiles(inbox, beam_args))
    return data_set.open_data_set(
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


def _shared_profiles(inbox: str, beam_args: Sequence[str]) -> str:
    """The table beside the batches, or empty."""
    for suffix in SUFFIXES:
        address = f"{inbox.rstrip('/')}/cards{suffix}"
        if store.is_file(address, beam_args):
            return address
    return ""
