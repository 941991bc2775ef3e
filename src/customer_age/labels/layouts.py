"""The layouts of data sets that are known, and how each is recognised.

A layout is a function from the data folder to its label tables; a further one is one more entry
in `LAYOUTS`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from customer_age.errors import SettingsError
from customer_age.files import Folder
from customer_age.schema.features import EXTRA, SPLITS

from .cards import profiles
from .cards.card_table import BESIDE, CardSettings, LoyaltyCardTable
from .tables import SUFFIXES, LabelTable

_COLUMNS = {"file_name": "file_name", "real_age": "real_age"}
_OPTIONAL = {"person": "person", "batch": "batch", "split": "split"}
_SHOWN_CARD = {"file_name": "file_name", "person": "card_id", "captured_at": "captured_at"}
COLUMNS = (*_COLUMNS, *_OPTIONAL, "captured_at", "date_of_birth", "consent", "updated_at")
"""What a table can say of a photo, in our words; the settings can name the column of each."""


def _hand_out(folder: Folder, columns: Mapping[str, str], _cards: CardSettings) -> list[LabelTable]:
    """`labels.csv`, its photos in `final_files/`, or beside it."""
    photos = "final_files" if folder.has_folder("final_files") else ""
    return [
        LabelTable(folder, name, {**_COLUMNS, **columns}, _OPTIONAL, None, photos)
        for name in named(folder, "labels")
    ]


def _appa_real(
    folder: Folder, columns: Mapping[str, str], _cards: CardSettings
) -> list[LabelTable]:
    """The APPA-REAL release: `gt_avg_train.csv` with its photos in `train/`, and so on."""
    return [
        LabelTable(folder, name, {**_COLUMNS, **columns}, {}, split, split)
        for split in SPLITS
        for name in named(folder, f"gt_avg_{split}")
    ]


def _loyalty_card(
    folder: Folder, columns: Mapping[str, str], cards: CardSettings
) -> list[LabelTable]:
    """`photos.csv` says which card was shown, a profile when its holder was born.

    The profiles that the settings name are the shop's newest word; else `cards.csv` is.
    """
    shown, beside = cards_shown(folder, columns), cards_beside(folder, columns)
    known: profiles.Profiles
    if shown is None:
        return []
    if cards.profiles:
        known = profiles.open_profiles(cards.profiles, _profile(columns), cards.beam_args)
    elif beside is not None:
        known = profiles.TableProfiles(beside)
    else:
        return []
    return [LoyaltyCardTable(**vars(shown), profiles=known, settings=cards)]


def cards_shown(folder: Folder, columns: Mapping[str, str]) -> LabelTable | None:
    """`photos.csv`, with `person` and `captured_at`, or None where there is none."""
    photos = "photos" if folder.has_folder("photos") else ""
    optional = {name: _OPTIONAL[name] for name in ("batch", "split")}
    names = named(folder, "photos")
    if not names:
        return None
    return LabelTable(folder, names[0], _renamed(_SHOWN_CARD, columns), optional, None, photos)


def cards_beside(folder: Folder, columns: Mapping[str, str]) -> LabelTable | None:
    """`cards.csv`, with the columns of `profiles`, or None where there is none."""
    names = named(folder, "cards")
    if not names:
        return None
    return LabelTable(folder, names[0], _profile(columns), profiles.OPTIONAL, None, "")


def _profile(columns: Mapping[str, str]) -> dict[str, str]:
    named_by_shop = {name: columns[name] for name in profiles.OPTIONAL if name in columns}
    return {**_renamed(profiles.COLUMNS, columns), **named_by_shop}


Finder = Callable[[Folder, Mapping[str, str], CardSettings], list[LabelTable]]

LAYOUTS: dict[str, Finder] = {
    "hand_out": _hand_out,
    "appa_real": _appa_real,
    "loyalty_card": _loyalty_card,
}

_TABLES_SOUGHT = {
    "hand_out": "labels.csv",
    "appa_real": "gt_avg_train.csv, gt_avg_valid.csv and gt_avg_test.csv",
    "loyalty_card": "photos.csv and cards.csv (or data.profiles)",
}


def find(
    folder: Folder,
    layout: str,
    columns: Mapping[str, str],
    keep_columns: Sequence[str] = (),
    cards: CardSettings = BESIDE,
) -> tuple[str, tuple[LabelTable, ...]]:
    """Find the label tables of a data folder.

    Args:
        folder: the data folder.
        layout: the name of a layout, or `auto` for the one whose tables are there.
        columns: names of `COLUMNS` to what the tables call them instead; these must be there.
        keep_columns: further columns, by the tables' own names; these must be there too.
        cards: where profiles of loyalty cards are, and what is asked of them.

    Returns:
        The layout's name, and its tables.

    Raises:
        SettingsError: no table, tables of two layouts, a table twice, a layout or a column that
            is not known, or a column to keep that says who a person is.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise SettingsError(f"data.layout: no layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise SettingsError(
            f"data.columns: no column {unknown[0]!r}; there are: {', '.join(COLUMNS)}"
        )
    names = list(LAYOUTS) if layout == "auto" else [layout]
    found = {name: tables for name in names if (tables := LAYOUTS[name](folder, columns, cards))}
    if not found:
        sought = " or ".join(_TABLES_SOUGHT[name] for name in names)
        raise SettingsError(f"data folder {folder.shown('')}: no label table; expected {sought}")
    if len(found) > 1:
        raise SettingsError(
            f"data folder {folder.shown('')}: tables of several layouts; "
            f"set data.layout to one of: {', '.join(found)}"
        )
    ((name, tables),) = found.items()
    for table in tables:
        if table.photos and not folder.has_folder(table.photos):
            raise SettingsError(
                f"{table.path}: its photos should be in {folder.shown(table.photos)}, "
                "and there is no such folder"
            )
    return name, tuple(_keeping(table, keep_columns) for table in tables)


def _keeping(table: LabelTable, keep_columns: Sequence[str]) -> LabelTable:
    """The table with further columns."""
    person = {**table.optional, **table.columns}.get("person")
    if person in keep_columns:
        raise SettingsError(
            f"data.keep_columns: {person!r} says who it is, which no example may hold; a keyed "
            "hash stands for it as `person`"
        )
    extras = {f"{EXTRA}{column}": column for column in keep_columns}
    return dataclasses.replace(table, columns={**table.columns, **extras})


def _renamed(names: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    return {ours: columns.get(ours, theirs) for ours, theirs in names.items()}


def named(folder: Folder, stem: str) -> list[str]:
    """The table of a name, whatever it is saved as: none, or one.

    Raises:
        SettingsError: there are several.
    """
    there = [f"{stem}{suffix}" for suffix in SUFFIXES if folder.has_file(f"{stem}{suffix}")]
    if len(there) > 1:
        raise SettingsError(
            f"data folder {folder.shown('')}: which one is it, {' or '.join(there)}? Keep one"
        )
    return there
