"""The known layouts of data sets, and how each is recognised.

A layout is a function that finds the label tables of a data folder. To add one, add an entry to
`LAYOUTS`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from customer_age.errors import SettingsError
from customer_age.files import Folder
from customer_age.schema.features import EXTRA, SPLITS

from .cards import profiles
from .cards.arrival import latest_capture
from .cards.card_table import LoyaltyCardTable
from .spec import LabelSpec
from .tables import SUFFIXES, LabelTable, table_names

_COLUMNS = {"file_name": "file_name", "real_age": "real_age"}
_OPTIONAL = {"person": "person", "batch": "batch", "split": "split"}
_SHOWN_CARD = {"file_name": "file_name", "person": "card_id", "captured_at": "captured_at"}
COLUMNS = (*_COLUMNS, *_OPTIONAL, "captured_at", "date_of_birth", "consent", "updated_at")
"""Our names of the values that a table can contain; the settings can map each to a column."""


def _hand_out(folder: Folder, spec: LabelSpec, _in_inbox: bool) -> list[LabelTable]:
    """Return `labels.csv`; its photos are in `final_files/`, or in the same folder."""
    photos = "final_files" if folder.has_folder("final_files") else ""
    return [
        LabelTable(folder, name, {**_COLUMNS, **spec.columns}, _OPTIONAL, None, photos)
        for name in named(folder, "labels")
    ]


def _appa_real(folder: Folder, spec: LabelSpec, _in_inbox: bool) -> list[LabelTable]:
    """Return the tables of the APPA-REAL release: `gt_avg_train.csv`, photos in `train/`, etc."""
    return [
        LabelTable(folder, name, {**_COLUMNS, **spec.columns}, {}, split, split)
        for split in SPLITS
        for name in named(folder, f"gt_avg_{split}")
    ]


def _loyalty_card(folder: Folder, spec: LabelSpec, in_inbox: bool) -> list[LabelTable]:
    """Return `photos.csv`, which names the card shown, with profiles that give the date of birth.

    The profiles from the settings are the shop's newest data; else `cards.csv` is read.
    """
    shown = cards_shown(folder, spec.columns)
    known: profiles.Profiles
    if shown is None:
        return []
    if spec.profiles:
        known = profiles.open_profiles(spec.profiles, _profile(spec.columns))
    elif (cards := cards_beside(folder, spec.columns)) is not None:
        known = profiles.TableProfiles(cards)
    else:
        return []
    # The photos of a card are counted in a batch; the base set is not one.
    most = spec.max_photos_per_card if in_inbox else None
    return [
        LoyaltyCardTable(
            **vars(shown),
            profiles=known,
            max_profile_age_days=spec.max_profile_age_days,
            max_photos_per_card=most,
            latest_capture=latest_capture(folder),
        )
    ]


def cards_shown(folder: Folder, columns: Mapping[str, str]) -> LabelTable | None:
    """Return `photos.csv`, with `person` and `captured_at`, or None if it does not exist."""
    photos = "photos" if folder.has_folder("photos") else ""
    optional = {name: _OPTIONAL[name] for name in ("batch", "split")}
    names = named(folder, "photos")
    if not names:
        return None
    return LabelTable(folder, names[0], _renamed(_SHOWN_CARD, columns), optional, None, photos)


def cards_beside(folder: Folder, columns: Mapping[str, str]) -> LabelTable | None:
    """Return `cards.csv`, with the columns of `profiles`, or None if it does not exist."""
    names = named(folder, "cards")
    if not names:
        return None
    return LabelTable(folder, names[0], _profile(columns), profiles.OPTIONAL, None, "")


def _profile(columns: Mapping[str, str]) -> dict[str, str]:
    named_by_shop = {name: columns[name] for name in profiles.OPTIONAL if name in columns}
    return {**_renamed(profiles.COLUMNS, columns), **named_by_shop}


Finder = Callable[[Folder, LabelSpec, bool], list[LabelTable]]

LAYOUTS: dict[str, Finder] = {
    "hand_out": _hand_out,
    "appa_real": _appa_real,
    "loyalty_card": _loyalty_card,
}

_TABLES_EXPECTED = {
    "hand_out": "labels.csv",
    "appa_real": "gt_avg_train.csv, gt_avg_valid.csv and gt_avg_test.csv",
    "loyalty_card": "photos.csv and cards.csv (or data.profiles)",
}
_STEMS = {
    "hand_out": ("labels",),
    "appa_real": tuple(f"gt_avg_{split}" for split in SPLITS),
    "loyalty_card": ("photos", "cards"),
}


def find(
    folder: Folder, spec: LabelSpec, in_inbox: bool = False
) -> tuple[str, tuple[LabelTable, ...]]:
    """Find the label tables of a data folder.

    Args:
        folder: the data folder.
        spec: how tables are read; the columns that it names must exist.
        in_inbox: whether the folder is a batch of the inbox.

    Returns:
        The layout's name, and its tables.

    Raises:
        SettingsError: there is no table, tables of two layouts, one table in two forms, an unknown
            column, or a column to keep that identifies a person.
    """
    unknown = [column for column in spec.columns if column not in COLUMNS]
    if unknown:
        raise SettingsError(
            f"data.columns: unknown column {unknown[0]!r}; known are: {', '.join(COLUMNS)}"
        )
    names = list(LAYOUTS) if spec.layout == "auto" else [spec.layout]
    found = {name: tables for name in names if (tables := LAYOUTS[name](folder, spec, in_inbox))}
    if not found:
        expected = " or ".join(_TABLES_EXPECTED[name] for name in names)
        raise SettingsError(
            f"data folder {folder.shown('')}: no label table; expected {expected}"
            f"{_hint(folder, names)}"
        )
    if len(found) > 1:
        raise SettingsError(
            f"data folder {folder.shown('')}: tables of several layouts; "
            f"set data.layout to one of: {', '.join(found)}"
        )
    ((name, tables),) = found.items()
    require_no_workbook(
        folder, [stem for stem in _STEMS[name] if stem != "cards" or not spec.profiles]
    )
    for table in tables:
        if table.photos and not folder.has_folder(table.photos):
            raise SettingsError(
                f"{table.path}: its photos must be in {folder.shown(table.photos)}, "
                "but this folder does not exist"
            )
    return name, tuple(_keeping(table, spec) for table in tables)


def _keeping(table: LabelTable, spec: LabelSpec) -> LabelTable:
    """Return the table with the additional columns to keep."""
    person = {**table.optional, **table.columns}.get("person")
    if person in spec.keep_columns:
        raise SettingsError(
            f"data.keep_columns: {person!r} identifies a person, which no example may contain; the "
            "feature `person` holds a keyed hash instead"
        )
    born = spec.columns.get("date_of_birth", "date_of_birth")
    if born in spec.keep_columns:
        raise SettingsError(
            f"data.keep_columns: {born!r} is a date of birth, which no example may contain; "
            "`real_age` is computed from its month"
        )
    extras = {f"{EXTRA}{column}": column for column in spec.keep_columns}
    return dataclasses.replace(table, columns={**table.columns, **extras})


def _renamed(names: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    return {ours: columns.get(ours, theirs) for ours, theirs in names.items()}


def named(folder: Folder, stem: str) -> list[str]:
    """Return the file name of a table in any format that is read: a list of none or one.

    Raises:
        SettingsError: there are several such files.
    """
    name = table_names.table_named(stem, folder.has_file, f"data folder {folder.shown('')}")
    return [] if name is None else [name]


def require_no_workbook(folder: Folder, stems: Sequence[str]) -> None:
    """Check that no table of these names exists as a workbook, which is not read.

    Raises:
        SettingsError: there is one, which would be ignored.
    """
    for stem in stems:
        for name in table_names.workbooks_named(stem, folder.has_file):
            raise SettingsError(f"{folder.shown(name)}: {table_names.not_read(name)}")


def _hint(folder: Folder, layouts: Sequence[str]) -> str:
    """Return a hint about files that may be the missing table, or an empty text."""
    stems = [stem for layout in layouts for stem in _STEMS[layout]]
    for stem in stems:
        for name in table_names.workbooks_named(stem, folder.has_file):
            return f". Found {name}: {table_names.not_read(name)}"
    known = {f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES}
    for name, _ in folder.files(""):
        if name.casefold() in known and name not in known:
            return f". Found {name}: rename it to {name.casefold()}"
    return ""
