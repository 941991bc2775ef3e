"""Writes the demo photos and their label table, in the layout of the course hand-out."""

import json
import tempfile
from pathlib import Path

import numpy as np

from customer_age.errors import RunError, SettingsError

from .portrait import draw_face

PARAMETERS_FILE = "demo.json"
"""Marks a folder as a demo data set, with its parameters; without it, the folder is not ours."""

# Ages are distributed as in APPA-REAL: many young adults, few babies, a long tail of old people.
_SHARES_BELOW = [0, 0.04, 0.1, 0.25, 0.5, 0.75, 0.9, 0.96, 1]
_AGES = [1, 2, 6, 20, 30, 45, 61, 72, 90]


def write_demo_faces(folder: Path, count: int = 1200, size: int = 96, seed: int = 0) -> None:
    """Write a demo data set, or keep it if it already exists.

    The folder gets `labels.csv` (`file_name,real_age`), the photos in `final_files/`, and
    `demo.json`. It appears only when it is complete. The same parameters give the same bytes, and
    a larger count keeps the earlier photos.

    Args:
        folder: the folder of the data set; it must be missing, empty, or contain the same set.
        count: number of photos, 1 to 999,999.
        size: width and height of the photos, 32 to 1024 pixels.
        seed: at least 0; another seed gives other people.

    Raises:
        SettingsError: a parameter is out of range, the folder contains something else, or its
            parent is not writable.
        RunError: writing failed, for example on a full disk.
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
            f"cannot create demo photos in {folder}: {error.strerror}; choose a writable folder"
        ) from error
    with workplace:
        written = Path(workplace.name) / "data"
        try:
            _write(written, parameters)
        except OSError as error:
            raise RunError(f"cannot write demo photos for {folder}: {error.strerror}") from error
        try:
            written.rename(folder)  # replaces an empty folder, but never one with files
        except OSError as error:
            if not _already_there(folder, parameters):  # another run may have been faster
                raise RunError(f"cannot move demo photos to {folder}: {error.strerror}") from error


def draw_age(rng: np.random.Generator) -> int:
    """Sample an age in whole years, 1 to 90, distributed as in a real data set."""
    return int(np.interp(rng.random(), _SHARES_BELOW, _AGES).round())


def _check(count: int, size: int, seed: int) -> None:
    if not 1 <= count <= 999_999:
        raise SettingsError(f"demo photos: count must be 1 to 999999, not {count}")
    if not 32 <= size <= 1024:
        raise SettingsError(f"demo photos: size must be 32 to 1024 pixels, not {size}")
    if seed < 0:
        raise SettingsError(f"demo photos: seed must be 0 or more, not {seed}")


def _already_there(folder: Path, parameters: dict[str, int]) -> bool:
    """Return whether the folder contains exactly this data set.

    Raises:
        SettingsError: it contains something else.
    """
    advice = "delete it, or choose another folder"
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise SettingsError(f"{folder} is a file, not a folder for demo photos; {advice}")
    if not any(folder.iterdir()):
        return False
    try:
        found = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{folder} contains files that are not demo photos; {advice}") from None
    if found != parameters:
        raise SettingsError(
            f"{folder} contains demo photos made with {found}, not {parameters}; {advice}"
        )
    if not _complete(folder, parameters["count"]):
        raise SettingsError(f"{folder} contains demo photos, but some are missing; {advice}")
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
