"""The layouts of data sets that are known, and how each is recognised.

A layout is a function from the data folder to its label tables; a further one is one more entry
in `LAYOUTS`.
"""

from collections.abc import Callable
from pathlib import Path

from customer_age.components.errors import SettingsError
from customer_age.components.photo_example_gen.tables import SUFFIXES, LabelTable
from customer_age.schema.features import SPLITS

_COLUMNS = {"file_name": "file_name", "real_age": "real_age"}
_OPTIONAL = {"person": "person", "batch": "batch", "split": "split"}


def _hand_out(folder: Path) -> list[LabelTable]:
    """`labels.csv`, its photos in `final_files/`, or beside it."""
    photos = "final_files" if (folder / "final_files").is_dir() else "."
    return [
        LabelTable(path, _COLUMNS, _OPTIONAL, None, photos) for path in _named(folder, "labels")
    ]


def _appa_real(folder: Path) -> list[LabelTable]:
    """The APPA-REAL release: `gt_avg_train.csv` with its photos in `train/`, and so on."""
    return [
        LabelTable(path, _COLUMNS, {"person": "", "batch": "", "split": ""}, split, split)
        for split in SPLITS
        for path in _named(folder, f"gt_avg_{split}")
    ]


LAYOUTS: dict[str, Callable[[Path], list[LabelTable]]] = {
    "hand_out": _hand_out,
    "appa_real": _appa_real,
}

_TABLES_SOUGHT = {
    "hand_out": "labels.csv",
    "appa_real": "gt_avg_train.csv, gt_avg_valid.csv and gt_avg_test.csv",
}


def find(folder: Path, layout: str) -> tuple[str, tuple[LabelTable, ...]]:
    """Find the label tables of a data folder.

    Args:
        folder: the data folder.
        layout: the name of a layout, or `auto` for the one whose tables are there.

    Returns:
        The layout's name, and its tables.

    Raises:
        SettingsError: no table, tables of two layouts, a table twice, or a layout not known.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise SettingsError(f"data.layout: no layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    names = list(LAYOUTS) if layout == "auto" else [layout]
    found = {name: tables for name in names if (tables := LAYOUTS[name](folder))}
    if not found:
        sought = " or ".join(_TABLES_SOUGHT[name] for name in names)
        raise SettingsError(f"data folder {folder}: no label table; expected {sought}")
    if len(found) > 1:
        raise SettingsError(
            f"data folder {folder}: tables of several layouts; "
            f"set data.layout to one of: {', '.join(found)}"
        )
    ((name, tables),) = found.items()
    for table in tables:
        if not (folder / table.photos).is_dir():
            raise SettingsError(
                f"{table.path}: its photos should be in {folder / table.photos}, "
                "and there is no such folder"
            )
    return name, tuple(tables)


def _named(folder: Path, stem: str) -> list[Path]:
    """The table of a name, whatever it is saved as: none, or one."""
    paths = [folder / f"{stem}{suffix}" for suffix in SUFFIXES]
    there = [path for path in paths if path.is_file()]
    if len(there) > 1:
        raise SettingsError(
            f"data folder {folder}: which one is it, "
            f"{' or '.join(path.name for path in there)}? Keep one"
        )
    return there
