import os
from collections import Counter

import pytest

from customer_age.errors import SettingsError
from customer_age.photos import formats
from customer_age.pipeline.prediction import photo_sources
from customer_age.schema.refusals import Reason


def _found(*arguments, face_crops=True):
    sources = photo_sources.find([str(each) for each in arguments])
    return list(photo_sources.files(sources, face_crops))


def _left_out(*arguments):
    """Return the line about other files; each folder is listed once for them and its photos."""
    counted = Counter()
    sources = photo_sources.find([str(each) for each in arguments])
    assert len(list(photo_sources.files(sources, True, counted))) > 0
    return photo_sources.left_out_line(counted)


def _names(folder, *arguments, **options):
    return [os.path.relpath(each.path, folder) for each in _found(*arguments, **options)]


@pytest.fixture
def photos(tmp_path):
    """A folder of empty files; nothing here opens a photo."""
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.jpg", "sub/c.webp", "sub/iphone.heic"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    return tmp_path


def test_a_folder_is_its_photos_in_a_fixed_order(photos):
    assert _names(photos, photos) == ["a.png", "b.JPG", "sub/c.webp", "sub/iphone.heic"]


def test_a_folder_has_a_row_for_each_picture_even_one_that_is_never_read(tmp_path):
    for suffix in formats.SUFFIXES:
        (tmp_path / f"photo{suffix.upper()}").write_bytes(b"")
    assert len(_found(tmp_path)) == len(formats.SUFFIXES)
    assert _left_out(tmp_path) == ""


def test_other_files_of_a_folder_are_counted_but_hidden_files_are_not(tmp_path):
    names = ["a.jpg", "b.txt", "sub/c.TXT", "labels.csv", "Thumbs.db", "README", "x.\x1b[31m",
             ".DS_Store", "._a.jpg", ".hidden/d.jpg"]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert _names(tmp_path, tmp_path) == ["a.jpg"]
    assert _left_out(tmp_path, tmp_path / "b.txt") == (
        "6 files without a picture's suffix were left out: "
        "2 .txt, 1 .csv, 1 .db, 1 with an odd suffix, 1 without a suffix"
    )
    for name in ("1.b", "2.c", "3.d"):
        (tmp_path / "sub" / name).write_bytes(b"")
    assert _left_out(tmp_path).endswith(" 2 .txt, 1 .b, 1 .c, 1 .csv, 1 .d, 3 of other kinds")


def test_photos_come_in_the_order_of_the_arguments(photos):
    assert _names(photos, photos / "sub", photos / "a.png", photos / "none.jpg") == [
        "sub/c.webp", "sub/iphone.heic", "a.png", "none.jpg",
    ]  # fmt: skip


def test_a_glob_is_expanded_as_in_a_shell(photos):
    assert _names(photos, photos / "*.*[gG]") == ["a.png", "b.JPG"]
    assert _names(photos, photos / "**" / "*.webp") == ["sub/c.webp"]
    assert _names(photos, photos / "s*") == ["sub/c.webp", "sub/iphone.heic"]


def test_a_photo_whose_name_looks_like_a_glob(photos):
    (photos / "me[1].jpg").write_bytes(b"")
    assert _names(photos, photos / "me[1].jpg") == ["me[1].jpg"]


@pytest.mark.parametrize("placed", ["final_files", ""])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_names_photos_next_to_it_or_in_final_files(tmp_path, placed, separator):
    (tmp_path / placed).mkdir(exist_ok=True)
    (tmp_path / placed / "b.jpg").write_bytes(b"")
    (tmp_path / "list.csv").write_text(
        f"who{separator}file_name\nx{separator}b.jpg\ny{separator}a.jpg\n"
    )
    present, missing = _found(tmp_path / "list.csv")
    assert (present.file_name, present.problem) == ("b.jpg", None)
    assert present.path == str(tmp_path / placed / "b.jpg")
    assert (missing.file_name, missing.problem) == ("a.jpg", Reason.FILE_MISSING)


def test_a_parquet_table(tmp_path):
    import pandas as pd

    (tmp_path / "b.jpg").write_bytes(b"")
    pd.DataFrame({"file_name": ["b.jpg"]}).to_parquet(tmp_path / "list.parquet")
    assert _names(tmp_path, tmp_path / "list.parquet") == ["b.jpg"]


def test_a_table_of_the_appa_real_release_takes_the_face_crop(tmp_path):
    (tmp_path / "test").mkdir()
    for name in ("1.jpg", "1.jpg_face.jpg", "2.jpg"):
        (tmp_path / "test" / name).write_bytes(b"")
    (tmp_path / "gt_avg_test.csv").write_text("file_name\n1.jpg\n2.jpg\n")
    table = tmp_path / "gt_avg_test.csv"
    assert _names(tmp_path, table) == ["test/1.jpg_face.jpg", "test/2.jpg"]
    assert _names(tmp_path, table, face_crops=False) == ["test/1.jpg", "test/2.jpg"]
    assert [each.file_name for each in _found(table)] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "/etc/hostname", "C:\\secret.jpg", "..\\secret.jpg", "link.jpg", "in/x"],
)
def test_a_name_in_a_table_never_leaves_its_folder(tmp_path, name):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    data = tmp_path / "data"
    data.mkdir()
    (data / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (data / "in").symlink_to(tmp_path)
    (tmp_path / "x").write_bytes(b"secret")
    (data / "list.csv").write_text(f"file_name\n{name}\n")
    assert [each.problem for each in _found(data / "list.csv")] == [Reason.OUTSIDE_DATA_FOLDER]


def test_a_link_in_a_folder_does_not_lead_out_of_it(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert [each.problem for each in _found(tmp_path / "data")] == [Reason.OUTSIDE_DATA_FOLDER]


@pytest.mark.parametrize("placed", ["final_files", ""])
def test_a_name_in_a_table_is_found_in_either_form_of_unicode(tmp_path, placed):
    composed, apart = "\u00fc.jpg", "u\u0308.jpg"
    (tmp_path / placed).mkdir(exist_ok=True)
    (tmp_path / placed / apart).write_bytes(b"")
    (tmp_path / "list.csv").write_text(f"file_name\n{composed}\n{apart}\n", encoding="utf-8")
    found = _found(tmp_path / "list.csv")
    assert [each.path for each in found] == [str(tmp_path / placed / apart)] * 2
    assert [each.file_name for each in found] == [composed, apart]


def test_a_row_of_a_table_reports_its_problem(photos):
    (photos / "list.csv").write_text("file_name,note\nB.jpg,x\nnone.jpg,x\na.png,x,y\na.png,\n")
    near, missing, malformed, good = _found(photos / "list.csv")
    assert (near.problem, near.detail) == (
        Reason.FILE_MISSING,
        "there is no such photo; there is b.JPG",
    )
    assert (missing.problem, missing.detail) == (Reason.FILE_MISSING, "there is no such photo")
    assert malformed.problem == Reason.ROW_MALFORMED
    assert malformed.detail == "line 4 of list.csv: the row has 3 cells, and the header has 2 cells"
    assert (good.problem, good.path) == (None, str(photos / "a.png"))


def test_names_that_no_file_can_have_are_missing(tmp_path):
    (tmp_path / "list.csv").write_text(f"file_name\n{'x' * 5000}\n\N{SNOWMAN}.jpg\n")
    assert {each.problem for each in _found(tmp_path / "list.csv")} == {Reason.FILE_MISSING}


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("*.jpg", "matches nothing"),
        ("empty", "no photos in this folder$"),
        ("texts", "photos in this folder; it contains 1 file without a picture's suffix: 1 .txt$"),
        ("none.csv", "this table does not exist"),
        ("empty.csv", "the table is empty"),
        ("header.csv", "no rows"),
        ("other.csv", "no column 'file_name'; there are: photo, age"),
        ("broken.csv", "not text in UTF-8"),
    ],
)
def test_an_invalid_argument_is_reported_at_once(tmp_path, argument, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "header.csv").write_text("file_name\n")
    (tmp_path / "other.csv").write_text("photo,age\na.jpg,3\n")
    (tmp_path / "broken.csv").write_bytes(b"file_name\n" + b"a.jpg\n" * 5000 + b"\xff\xfe\n")
    with pytest.raises(SettingsError, match=says) as refused:
        _found(tmp_path / argument)
    assert str(tmp_path / argument) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "problem", "detail"),
    [
        ("../evil.png", Reason.OUTSIDE_DATA_FOLDER, ""),
        ("sub/../../evil.png", Reason.OUTSIDE_DATA_FOLDER, ""),
        ("..\\evil.png", Reason.OUTSIDE_DATA_FOLDER, ""),
        ("a\x1b[2J.png", Reason.FILE_MISSING, "the name holds a control character"),
        ("n" * 300, Reason.FILE_MISSING, "the name has a part of more than 255 bytes"),
        ("*.png", Reason.FILE_MISSING, "there is no such photo"),
        ("sub\\c.webp", None, ""),
        (".//a.png", None, ""),
    ],
)
def test_a_table_names_no_photo_outside_its_folder(photos, name, problem, detail):
    folder = photos / "inner"
    (photos / "sub").rename(photos / "evil.png")
    folder.mkdir()
    (folder / "a.png").write_bytes(b"")
    (folder / "sub").mkdir()
    (folder / "sub" / "c.webp").write_bytes(b"")
    (folder / "requested.csv").write_text(f"file_name\n{name}\n", encoding="utf-8")
    [found] = _found(folder / "requested.csv")
    assert (found.problem, found.detail) == (problem, detail)
    assert found.path == "" if problem else found.path.startswith(str(folder))


def test_left_out_files_are_counted_while_photos_are_listed(photos, monkeypatch):
    """In a bucket of a million objects, a separate listing would take minutes."""
    [source] = photo_sources.find([str(photos)])
    listings, listed = [], type(source.folder).files
    monkeypatch.setattr(
        type(source.folder), "files", lambda *given: listings.append(given) or listed(*given)
    )
    (photos / "notes.txt").write_bytes(b"")
    counted = Counter()
    assert len(list(source.files(True, counted))) == 4
    assert counted[".txt"] == 1
    assert len(listings) == 1
