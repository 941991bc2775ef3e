"""Open the data of a run: the base set, and batches of loyalty-card photos from the inbox.

A batch is a sub-folder of the inbox with `photos.csv`, its photos, and an empty `_SUCCESS` that
is written last. Folders whose names begin with `_` or `.` are not batches.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from customer_age.errors import SettingsError
from customer_age.files import addresses, folders

from . import layouts, pseudonyms, tombstones
from .cards.arrival import COMPLETE
from .data_set import DataSet, open_data_set
from .spec import LabelSpec
from .tables import table_names
from .tombstones import Forgotten

LAYOUT = "loyalty_card"


def open_batch(
    spec: LabelSpec,
    batch: str,
    forgotten: Forgotten,
    shared_profiles: Callable[[], str] | None = None,
) -> DataSet:
    """Open a batch of the inbox.

    Its profiles come from the location in the settings, else from `cards.csv` in the batch, else
    from `cards.csv` in the inbox.

    Args:
        spec: how label tables are read, and where the inbox is.
        batch: the name of the sub-folder.
        forgotten: the persons and photos that no run may train on.
        shared_profiles: returns the address of the profiles in the inbox, or an empty text; by
            default the inbox is searched for them.

    Raises:
        SettingsError: the batch does not exist, is not complete, or cannot be read.
    """
    inbox = spec.inbox or ""
    address = addresses.join(inbox, batch)
    folder = folders.open_if_there(address)
    if folder is None:
        raise SettingsError(f"data.batches: {addresses.plain(address)}: there is no such batch")
    if not folder.has_file(COMPLETE):
        raise SettingsError(
            f"data.batches: {addresses.plain(address)}: not complete: {COMPLETE}, which is "
            "written last, is missing"
        )
    profiles = spec.profiles
    if not profiles and not layouts.named(folder, "cards"):
        layouts.require_no_workbook(folder, ["cards"])
        profiles = shared_profiles() if shared_profiles else _shared_profiles(inbox)
    of_batch = spec.model_copy(update={"layout": LAYOUT, "face_crops": False, "profiles": profiles})
    return open_data_set(address, of_batch, batch=batch, forgotten=forgotten)


def open_data_sets(
    base: str, spec: LabelSpec, batches: Sequence[str] = (), keyed: bool = True
) -> list[DataSet]:
    """Open the data set, and the batches of the inbox that a run is trained on.

    Args:
        base: the data set's folder, or its address in an object store.
        spec: how label tables are read.
        batches: names of batches.
        keyed: whether persons need their pseudonym; False only to inspect the data.

    Returns:
        The data set, then the batches in their order.

    Raises:
        SettingsError: a data set cannot be read, or there is no key for the persons.
    """
    inbox = spec.inbox or ""
    if batches and not inbox:
        raise SettingsError("data.inbox: not set, and data.batches names batches of it")
    forgotten = tombstones.read(inbox) if inbox else tombstones.NOBODY
    data_sets = [open_data_set(base, spec, forgotten=forgotten)]
    # Once for all batches: in a store, each check for a file takes time.
    shared = functools.cache(lambda: _shared_profiles(inbox))
    with ThreadPoolExecutor(addresses.at_once(inbox)) as pool:
        data_sets += pool.map(lambda batch: open_batch(spec, batch, forgotten, shared), batches)
    if not keyed or not any(data_set.has_persons for data_set in data_sets):
        return data_sets
    key = pseudonyms.read(spec.person_key_file or "")
    tombstones.require_key(forgotten, key)
    return [dataclasses.replace(data_set, person_key=key) for data_set in data_sets]


def _shared_profiles(inbox: str) -> str:
    """Return the address of the profile table in the inbox, or an empty text.

    Raises:
        SettingsError: there are several such tables.
    """

    def has_file(name: str) -> bool:
        return folders.is_file(addresses.join(inbox, name))

    name = table_names.table_named("cards", has_file, addresses.plain(inbox))
    if name is not None:
        return addresses.join(inbox, name)
    for workbook in table_names.workbooks_named("cards", has_file):
        address = addresses.plain(addresses.join(inbox, workbook))
        raise SettingsError(f"{address}: {table_names.not_read(workbook)}")
    return ""
