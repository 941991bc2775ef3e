"""Bad input gets one clear line and the right exit code, before anything is started."""

import numpy as np
import pytest
from PIL import Image


def _table(folder, text):
    folder.mkdir()
    (folder / "labels.csv").write_text(text)
    return folder


def _photo(folder, name="a.jpg"):
    (folder / "final_files").mkdir(exist_ok=True)
    Image.new("RGB", (40, 40)).save(folder / "final_files" / name)


def _no_label_table(folder):
    folder.mkdir()
    _photo(folder)


def _no_photos(folder):
    _table(folder, "file_name,real_age\na.jpg,30\n")


def _no_age_column(folder):
    _table(folder, "file_name,age_group\na.jpg,young\n")
    _photo(folder)


def _empty_table(folder):
    _table(folder, "")
    _photo(folder)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda folder: None, "data"),
        (_no_label_table, "label table"),
        (_no_photos, "photo"),
        (_no_age_column, "real_age"),
        (_empty_table, "labels.csv"),
    ],
    ids=["no folder", "no label table", "no photos", "no age column", "empty table"],
)
def test_an_invalid_data_set(command, tmp_path, make, expected):
    make(tmp_path / "data")
    exit_code, printed = command(tmp_path / "data", tmp_path / "work").ended()
    assert exit_code == 2, printed
    assert expected in printed
    assert len(printed.splitlines()) == 1, "one clear line"
    assert not (tmp_path / "work").exists(), "nothing was started"


def test_a_missing_file_of_weights(command, photos, tmp_path):
    run = command(photos, tmp_path / "work", options=["--weights", tmp_path / "no.weights.h5"])
    exit_code, printed = run.ended()
    assert exit_code == 2
    assert printed.startswith("customer-age: trainer.weights: ")
    assert "no.weights.h5 is neither a file" in printed


def test_a_work_folder_that_cannot_be_written(command, photos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    exit_code, printed = command(photos, tmp_path / "file" / "work").ended()
    assert exit_code == 2
    assert "is not writable (Not a directory)" in printed


@pytest.mark.slow
@pytest.mark.one_line
def test_photos_that_cannot_be_read_at_all(command, tmp_path):
    data = _table(
        tmp_path / "data", "file_name,real_age\n" + "".join(f"{n}.jpg,30\n" for n in range(9))
    )
    (data / "final_files").mkdir()
    for number in range(9):
        (data / "final_files" / f"{number}.jpg").write_text(f"no photo {number}")
    exit_code, printed = command(data, tmp_path / "work").ended()
    assert exit_code == 4, printed
    assert "✗ PhotoExampleGen" in printed
    assert "9 not_an_image" in printed
    assert "9 not_an_image" in (tmp_path / "work" / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.one_line
def test_weights_that_do_not_fit(command, photos, tmp_path):
    weights = tmp_path / "other.weights.h5"
    weights.write_text("no weights")
    exit_code, printed = command(photos, tmp_path / "work", options=["--weights", weights]).ended()
    assert exit_code == 2, printed
    assert "other.weights.h5 does not fit a ResNet50 without its top" in printed


@pytest.mark.slow
@pytest.mark.one_line
def test_a_disk_that_fills_up(command_from_nothing, tmp_path):
    """On a file system of 5 MB, in its own mount namespace: the examples do not fit."""
    work = tmp_path / "small"
    work.mkdir()
    data = _table(
        tmp_path / "data", "file_name,real_age\n" + "".join(f"{n}.jpg,30\n" for n in range(120))
    )
    random = np.random.default_rng(0)
    (data / "final_files").mkdir()
    for number in range(120):
        noise = random.integers(0, 255, (256, 256, 3), np.uint8)
        Image.fromarray(noise).save(data / "final_files" / f"{number}.jpg", quality=95)
    mounted = f'mount -t tmpfs -o size=5m tmpfs "{work}" && exec "$@"'
    exit_code, printed = command_from_nothing(
        data,
        work,
        "data.stored_size=256",
        prefix=["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"],
    ).ended()
    assert exit_code == 1, printed
    assert "✗ PhotoExampleGen" in printed
    assert "no space left" in printed
