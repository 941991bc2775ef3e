import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from customer_age.errors import RunError, SettingsError
from customer_age.pipeline.demo_faces import demo_data_set, draw_face, write_demo_faces


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def labels(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "faces"
    write_demo_faces(folder, count=500, size=64, seed=1)
    return folder


def test_the_layout_is_that_of_the_hand_out(demo: Path):
    rows = labels(demo)
    assert {path.name for path in demo.iterdir()} == {"labels.csv", "final_files", "demo.json"}
    assert list(rows[0]) == ["file_name", "real_age"]
    assert [row["file_name"] for row in rows] == [f"{index:06d}.jpg" for index in range(500)]
    assert {path.name for path in (demo / "final_files").iterdir()} == {
        row["file_name"] for row in rows
    }
    for row in rows[:20]:
        with Image.open(demo / "final_files" / row["file_name"]) as photo:
            photo.load()
            assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (64, 64))


def test_ages_are_whole_years_distributed_like_real_ones(demo: Path):
    ages = np.array([int(row["real_age"]) for row in labels(demo)])
    assert ages.min() >= 1
    assert ages.max() <= 90
    assert 26 <= np.median(ages) <= 33
    assert (ages < 13).mean() > 0.1
    assert (ages >= 65).mean() > 0.05
    assert np.abs(ages - np.median(ages)).mean() > 13


def test_draw_age_stays_in_its_bounds():
    rng = np.random.default_rng(0)
    ages = [demo_data_set.draw_age(rng) for _ in range(20_000)]
    assert (min(ages), max(ages)) == (1, 90)


def test_same_parameters_give_the_same_bytes(tmp_path: Path):
    write_demo_faces(tmp_path / "one", count=6, size=48, seed=3)
    write_demo_faces(tmp_path / "two", count=6, size=48, seed=3)
    write_demo_faces(tmp_path / "other", count=6, size=48, seed=4)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_a_larger_count_keeps_the_earlier_photos(tmp_path: Path):
    write_demo_faces(tmp_path / "few", count=4, size=48)
    write_demo_faces(tmp_path / "many", count=8, size=48)
    few, many = contents(tmp_path / "few" / "final_files"), contents(tmp_path / "many")
    assert {f"final_files/{name}": data for name, data in few.items()}.items() <= many.items()
    assert labels(tmp_path / "many")[:4] == labels(tmp_path / "few")


def test_drawing_leaves_global_random_state_alone_and_does_not_read_it():
    def drawn(global_seed: int) -> bytes:
        random.seed(global_seed)
        np.random.seed(global_seed)
        before = random.getstate(), np.random.get_state()[1].tolist()
        picture = draw_face(40, np.random.default_rng(5), 48).tobytes()
        after = random.getstate(), np.random.get_state()[1].tolist()
        assert before == after
        return picture

    assert drawn(1) == drawn(2)


@pytest.mark.parametrize("age", [0, 0.5, 1, 17, 45.5, 90, 120])
@pytest.mark.parametrize("size", [32, 97])
def test_any_age_can_be_drawn(age: float, size: int):
    for seed in range(10):
        face = draw_face(age, np.random.default_rng(seed), size)
        assert (face.mode, face.size) == ("RGB", (size, size))
        assert np.asarray(face).std() > 10


def test_looks_change_smoothly_with_age_and_the_rest_stays():
    def face(age: float, seed: int) -> np.ndarray:
        return np.asarray(draw_face(age, np.random.default_rng(seed), 64), dtype=float)

    def changes(first: float, second: float) -> np.ndarray:
        return np.array(
            [np.abs(face(first, seed) - face(second, seed)).mean() for seed in range(20)]
        )

    assert (changes(32, 32.5) < 0.3 * changes(32, 62)).all()
    assert (changes(8, 8.5) < 0.3 * changes(8, 25)).mean() > 0.9
    corners = [np.abs(face(1, seed) - face(85, seed))[:8, :8].mean() for seed in range(20)]
    assert max(corners) == 0  # a generator state is one person with one background


def held_out_errors(pixels: np.ndarray, ages: np.ndarray, ridge: float) -> tuple[float, float]:
    """Return the MAE in years of a ridge regression and of the median, on the last fifth."""
    cut = len(ages) * 4 // 5
    pixels = (pixels - pixels[:cut].mean(axis=0)) / 50
    middle = ages[:cut].mean()
    similar = pixels @ pixels[:cut].T
    weights = np.linalg.solve(similar[:cut] + ridge * np.eye(cut), ages[:cut] - middle)
    learned = np.abs(similar[cut:] @ weights + middle - ages[cut:]).mean()
    return float(learned), float(np.abs(ages[cut:] - np.median(ages[:cut])).mean())


def test_age_can_be_learned_from_the_pixels_but_not_from_the_colour_alone(demo: Path):
    rows = labels(demo)
    ages = np.array([float(row["real_age"]) for row in rows])
    small = []
    for row in rows:
        with Image.open(demo / "final_files" / row["file_name"]) as photo:
            small.append(np.asarray(photo.reduce(4), dtype=float))
    photos = np.stack(small)
    learned, median = held_out_errors(photos.reshape(len(rows), -1), ages, ridge=100)
    assert learned < 0.65 * median
    colour, median = held_out_errors(photos.mean(axis=(1, 2)), ages, ridge=1)
    assert colour > 0.85 * median


def test_a_complete_data_set_is_kept_untouched(tmp_path: Path):
    folder = tmp_path / "faces"
    write_demo_faces(folder, count=3, size=32)
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    write_demo_faces(folder, count=3, size=32)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps


def test_an_empty_folder_and_missing_parents_are_filled(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "a" / "b" / "faces"):
        write_demo_faces(folder, count=2, size=32)
        assert len(labels(folder)) == 2
        assert {path.name for path in folder.parent.iterdir()} <= {"empty", "a", "faces"}


def other_parameters(folder: Path) -> None:
    write_demo_faces(folder, count=2, size=32, seed=9)


def photo_missing(folder: Path) -> None:
    write_demo_faces(folder, count=3, size=32)
    (folder / "final_files" / "000001.jpg").unlink()


def own_photos(folder: Path) -> None:
    folder.mkdir()
    (folder / "labels.csv").write_text("file_name,real_age\nme.jpg,50\n")


def broken_parameters(folder: Path) -> None:
    folder.mkdir()
    (folder / "demo.json").write_text("{")


@pytest.mark.parametrize(
    "fill",
    [other_parameters, photo_missing, own_photos, broken_parameters],
    ids=lambda f: f.__name__,
)
def test_a_folder_with_other_files_is_refused_and_not_changed(tmp_path: Path, fill):
    folder = tmp_path / "faces"
    fill(folder)
    before = contents(tmp_path)
    with pytest.raises(SettingsError, match="delete it, or choose another folder") as refusal:
        write_demo_faces(folder, count=3, size=32)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert contents(tmp_path) == before


def test_a_file_instead_of_the_folder_is_refused(tmp_path: Path):
    place = tmp_path / "faces"
    place.write_text("mine")
    with pytest.raises(SettingsError, match="is a file"):
        write_demo_faces(place, count=1, size=32)
    with pytest.raises(SettingsError, match="choose a writable folder"):
        write_demo_faces(place / "below", count=1, size=32)
    assert place.read_text() == "mine"


@pytest.mark.parametrize(
    ("wrong", "named"), [({"count": 0}, "count"), ({"size": 8}, "size"), ({"seed": -1}, "seed")]
)
def test_impossible_parameters_are_named(tmp_path: Path, wrong: dict[str, int], named: str):
    with pytest.raises(SettingsError, match=named):
        write_demo_faces(tmp_path / "faces", **wrong)
    assert not (tmp_path / "faces").exists()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = []

    def full_disk(*arguments):
        drawn.append(arguments)
        if len(drawn) == 3:
            raise OSError(28, "No space left on device")
        return draw_face(*arguments)

    monkeypatch.setattr(demo_data_set, "draw_face", full_disk)
    with pytest.raises(RunError, match="No space left on device"):
        write_demo_faces(tmp_path / "faces", count=5, size=32)
    assert list(tmp_path.iterdir()) == []


def test_a_set_that_another_run_finished_first_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, write = tmp_path / "faces", demo_data_set._write

    def slow(place: Path, parameters: dict[str, int]) -> None:
        write(place, parameters)
        write(folder, parameters)

    monkeypatch.setattr(demo_data_set, "_write", slow)
    write_demo_faces(folder, count=2, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_killed_while_writing_then_run_again(tmp_path: Path):
    folder = tmp_path / "faces"
    program = (
        "import sys; from pathlib import Path;"
        "from customer_age.pipeline.demo_faces import write_demo_faces;"
        "write_demo_faces(Path(sys.argv[1]), count=100_000, size=32)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)])
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(".faces-*/data/final_files/00000?.jpg")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not folder.exists()
    write_demo_faces(folder, count=3, size=32)
    assert json.loads((folder / "demo.json").read_text()) == {"count": 3, "size": 32, "seed": 0}
    assert len(labels(folder)) == 3


def test_nothing_heavy_is_imported():
    program = (
        "import sys; import customer_age.pipeline.demo_faces;"
        "heavy = {'tensorflow', 'keras', 'apache_beam', 'tfx', 'mlflow', 'pandas', 'matplotlib'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
