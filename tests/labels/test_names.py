"""The photo of a name is found, or the row names a similar file."""

import unicodedata

import pyarrow.csv
import pyarrow.parquet
import pytest

from customer_age.labels import LabelSpec, open_data_set
from customer_age.schema.refusals import Reason

NFC, NFD = "Jürgen é.jpg", unicodedata.normalize("NFD", "Jürgen é.jpg")


@pytest.fixture
def data(tmp_path):
    """Write a hand-out: photos with some names, and a table that names some of them."""

    def write(on_disk, in_table, header="file_name,real_age", ages=",30"):
        (tmp_path / "final_files").mkdir()
        for number, name in enumerate(on_disk):
            file = tmp_path / "final_files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"photo" * (number + 1))
        lines = [header, *(f"{name}{ages}" for name in in_table)]
        (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    return write


def rows_of(folder, **how):
    return list(open_data_set(str(folder), LabelSpec(**how)).rows())


@pytest.mark.parametrize(("on_disk", "in_table"), [(NFC, NFD), (NFD, NFC)])
def test_a_name_is_found_in_either_form_of_unicode(data, on_disk, in_table):
    folder = data([on_disk, "b.jpg"], [in_table])
    (row,) = rows_of(folder)
    assert (row.problem, row.photo) == (None, str(folder / "final_files" / on_disk))
    assert row.byte_size == 5


def test_a_folder_and_a_face_crop_are_found_too(data):
    crop = f"{NFD}_face.jpg"
    folder = data([f"{NFD}/{NFD}", crop, NFD.replace("J", "j")], [f"{NFC}/{NFC}", NFC])
    inner, cropped = rows_of(folder)
    assert inner.photo == str(folder / "final_files" / NFD / NFD)
    assert cropped.photo == str(folder / "final_files" / crop)


def test_the_exact_name_is_preferred(data):
    folder = data([NFC, NFD], [NFD, NFC])
    assert [row.photo.rpartition("/")[2] for row in rows_of(folder)] == [NFD, NFC]
    assert [row.byte_size for row in rows_of(folder)] == [10, 5]


def test_two_names_that_look_the_same_are_reported_and_not_used(data):
    mixed = f"Jürgen {NFD.split()[1]}"
    (row,) = rows_of(data([NFC, NFD], [mixed]))
    assert row.problem == Reason.FILE_MISSING
    assert row.detail == (
        "there is no such photo with exactly this name, but several with names that look the same"
    )


@pytest.mark.parametrize(("listed", "named"), [(NFC, NFD), (NFD, NFC), ("./a.jpg", "a.jpg")])
def test_the_ignore_list_holds_a_name_in_either_form(data, listed, named):
    folder = data([NFC, "a.jpg", "b.jpg"], [named, "b.jpg"])
    (folder / "ignore_list.txt").write_text(f"{listed}\n", encoding="utf-8")
    assert [row.file_name for row in rows_of(folder)] == ["b.jpg"]
    assert open_data_set(str(folder)).row_count == 1


def test_the_ignore_list_may_be_in_utf_16(data):
    folder = data(["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"])
    (folder / "ignore_list.txt").write_text("a.jpg\r\n", encoding="utf-16")
    assert [row.file_name for row in rows_of(folder)] == ["b.jpg"]


@pytest.mark.parametrize(
    ("on_disk", "named", "hint"),
    [
        ("a.JPG", "a.jpg", "; there is a.JPG"),
        ("a.jpg", "a", "; there is a.jpg"),
        ("a.jpeg", "a.jpg", "; there is a.jpeg"),
        ("Ann 1.png", "ANN 1", "; there is Ann 1.png"),
        (f"x/{NFD}", "X/jürgen é.png", f"; there is x/{NFD}"),
        ("more/a.jpg", "a.jpg", "; there is more/a.jpg"),
        ("b.jpg", "a.jpg", ""),
        ("a.2", "a.1", ""),
    ],
)
def test_a_missing_photo_has_a_hint(data, on_disk, named, hint):
    (row,) = rows_of(data([on_disk], [named]))
    assert row.problem == Reason.FILE_MISSING
    assert row.detail == f"there is no such photo{hint}"


def test_a_hint_shows_no_card(tmp_path):
    (tmp_path / "cards.csv").write_text(
        "card_id,date_of_birth,consent\n4001,1990-03-01,yes\n4002,1990-03-01,yes\n"
    )
    (tmp_path / "photos.csv").write_text(
        "file_name,card_id,captured_at\n"
        "cam-4001-1.jpg,4001,2024-03-01\n4002/1.jpg,4002,2024-03-01\n"
    )
    for name in ("CAM-4001-1.JPG", "4003/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"photo")
    a, b = open_data_set(str(tmp_path), person_key="key").rows()
    assert a.detail == f"there is no such photo; there is CAM-{a.person[:12]}-1.JPG"
    assert b.detail == "there is no such photo"


OUTSIDE = "the name leads out of the data folder"
HOSTILE = {
    "../evil.jpg": OUTSIDE, "a/../../evil.jpg": OUTSIDE, "..\\evil.jpg": OUTSIDE, "..": OUTSIDE,
    "{folder}/evil.jpg": OUTSIDE, "C:evil.jpg": OUTSIDE, "\\\\host\\evil.jpg": OUTSIDE,
    "a\0.jpg": "the name holds a control character",
    "a\n.jpg": "the name holds a control character",
    "\x1b[2Ja.jpg": "the name holds a control character",
    "n" * 300: "the name has a part of more than 255 bytes",
    ".": "the name has an empty part, or the part '.'",
    "%2e%2e/evil.jpg": "there is no such photo", "*": "there is no such photo",
    "[a].jpg": "there is no such photo", "~/evil.jpg": "there is no such photo",
    "file:///evil.jpg": "there is no such photo", "s3://shop/z.jpg": "there is no such photo",
    "./a.jpg": "", "//a.jpg": OUTSIDE, "sub//b.jpg": "", "sub\\b.jpg": "",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_table_names_no_photo_outside_its_folder(data, tmp_path, kind):
    """A Parquet cell may contain any text. A CSV file with a NUL or a line end is refused."""
    folder = data(["a.jpg", "sub/b.jpg"], ["a.jpg"])
    (tmp_path / "evil.jpg").write_bytes(b"evil")
    names = [name for name in HOSTILE if kind == "parquet" or not {"\0", "\n"} & {*name}]
    table = pyarrow.table(
        {
            "file_name": [name.format(folder=tmp_path) for name in names],
            "real_age": [30] * len(names),
        }
    )
    if kind == "parquet":
        (folder / "labels.csv").unlink()
        pyarrow.parquet.write_table(table, folder / "labels.parquet")
    else:
        pyarrow.csv.write_csv(table, folder / "labels.csv")
    rows = rows_of(folder)
    assert {name: row.detail for name, row in zip(names, rows, strict=True)} == {
        name: HOSTILE[name] for name in names
    }
    for row in rows:
        assert row.problem in (None, Reason.OUTSIDE_DATA_FOLDER, Reason.FILE_MISSING)
        assert row.file_name.isprintable()
        inside = str(folder / "final_files")
        assert row.photo == "" if row.problem else row.photo.startswith(inside)
    opened = open_data_set(str(folder))
    assert opened.fingerprint() == opened.fingerprint()
