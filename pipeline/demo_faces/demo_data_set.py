"""Writes the demo's photos and their label table, in the layout of the course hand-out."""

import json
import tempfile
from pathlib import Path

import numpy as np

from customer_age.errors import RunError, SettingsError

from .portrait import draw_face

PARAMETERS_FILE = "demo.json"
"""Says that a folder holds a demo data set, and which. A folder without it is not ours."""

# Ages spread like those of APPA-REAL: many young adults, some babies, a long tail of the old.
_SHARES_BELOW = [0, 0.04, 0.1, 0.25, 0.5, 0.75, 0.9, 0.96, 1]
_AGES = [1, 2, 6, 20, 30, 45, 61, 72, 90]


def write_demo_faces(folder: Path, count: int = 1200, size: int = 96, seed: int = 0) -> None:
    """Write a demo data set, or keep it where it is already there.

    The folder gets `labels.csv` (`file_name,real_age`), the photos in `final_files/`, and
    `demo.json`. It appears complete or not at all. The same parameters give the same bytes, and a
    larger count keeps the earlier photos.

    Args:
        folder: where the data set shall stand; it must be missing, empty, or hold the same set.
        count: photos, 1 to 999,999.
        size: pixels, the side of the square photos, at least 32.
        seed: at least 0; another seed gives other people.

    Raises:
        SettingsError: a parameter is out of its range, the folder holds something else, or its
            place cannot be written to.
        RunError: writing failed half-way, as on a full disk.
    """
    _check(count, size, seed)
    folder = Path(folder).resolve()
    parameters = {"count": count, "size": size, "seed": seed}
    try:
        if _already_there(folder, parameters):
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        workplace = tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent)
    except OSError as error:
        raise SettingsError(
            f"cannot make demo photos in {folder}: {error.strerror}; "
            "name a folder that can be written"
        ) from error
    with workplace:
        written = Path(workplace.name) / "data"
        try:
            _write(written, parameters)
        except OSError as error:
            raise RunError(f"cannot write demo photos for {folder}: {error.strerror}") from error
        try:
            written.rename(folder)  # replaces an empty folder, and never one with files in it
        except OSError as error:
            if not _already_there(folder, parameters):  # another run may have been faster
                raise RunError(f"cannot move demo photos to {folder}: {error.strerror}") from error


def draw_age(rng: np.random.Generator) -> int:
    """Draw an age in whole years, 1 to 90, spread like those of a real data set."""
    return int(np.interp(rng.random(), _SHARES_BELOW, _AGES).round())


def _check(count: int, size: int, seed: int) -> None:
    if not 1 <= count <= 999_999:
        raise SettingsError(f"demo photos: count must be 1 to 999999, not {count}")
    if not 32 <= size <= 1024:
        raise SettingsError(f"demo photos: size must be 32 to 1024 pixels, not {size}")
    if seed < 0:
        raise SettingsError(f"demo photos: seed must be 0 or more, not {seed}")


def _already_there(folder: Path, parameters: dict[str, int]) -> bool:
    """Whether the folder holds just this data set.

    Raises:
        SettingsError: it holds something else.
    """
    advice = "delete it, or name another folder"
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise SettingsError(f"{folder} is a file, not a folder for demo photos; {advice}")
    if not any(folder.iterdir()):
        return False
    try:
        found = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{folder} holds files that are no demo photos; {advice}") from None
    if found != parameters:
        raise SettingsError(
            f"{folder} holds demo photos made with {found}, not {parameters}; {advice}"
        )
    if not _complete(folder, parameters["count"]):
        raise SettingsError(f"{folder} holds demo photos of which some are missing; {advice}")
    return True


def _complete(folder: Path, count: int) -> bool:
    photos = sum(1 for _ in (folder / "final_files").glob("*.jpg"))
    return (folder / "labels.csv").is_file() and photos == count


def _write(folder: Path, parameters: dict[str, int]) -> None:
    photos = folder / "final_files"
    photos.mkdir(parents=True)
    lines = ["file_name,real_age"]
    for index in range(parameters["count"]):
        rng = np.random.default_rng([parameters["seed"], index])
        age = draw_age(rng)
        face = draw_face(age, rng, parameters["size"])
        name = f"{index:06d}.jpg"
        face.save(photos / name, quality=int(rng.integers(80, 96)))
        lines.append(f"{name},{age}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / PARAMETERS_FILE).write_text(json.dumps(parameters) + "\n", encoding="utf-8")
