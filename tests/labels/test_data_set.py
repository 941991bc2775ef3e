import gzip
import os
import shutil
import subprocess
import sys

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import LabelSpec, open_data_set, pseudonyms
from customer_age.schema.refusals import Reason

TABLE = "file_name,real_age\na.jpg,30\nb.jpg,41\n"


@pytest.fixture
def folder(tmp_path):
    """A hand-out with two photos; photos are never opened here."""
    (tmp_path / "final_files").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "final_files" / name).write_bytes(b"photo")
    (tmp_path / "labels.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def read(folder, **how):
    return [(row.file_name, row.age) for row in open_data_set(str(folder), LabelSpec(**how)).rows()]


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode(),
        b'"file_name","real_age"\n"a.jpg","30"\n"b.jpg","41"\n',
        b"real_age,file_name\n30,a.jpg\n41,b.jpg\n",
        b"id,file_name,note,real_age\n1,a.jpg,\"x, y\",30\n2,b.jpg,\"two\nlines\",41\n",
        b" file_name , real_age \n a.jpg , 30 \n\n b.jpg , 41 \n",
        b"file_name,real_age\na.jpg,30\nb.jpg,41",
    ],
    ids=["plain", "bom", "windows", "semicolon", "tab", "quoted", "any order", "extra columns",
         "spaces and blank lines", "no last line end"],
)  # fmt: skip
def test_tables_are_read_as_people_save_them(folder, content):
    (folder / "labels.csv").write_bytes(content)
    assert read(folder) == [("a.jpg", "30"), ("b.jpg", "41")]


def test_a_gzipped_table_is_read(folder):
    (folder / "labels.csv").unlink()
    (folder / "labels.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    assert read(folder) == [("a.jpg", "30"), ("b.jpg", "41")]


def test_a_parquet_table_is_read(folder):
    import pandas as pd

    (folder / "labels.csv").unlink()
    table = pd.DataFrame({"file_name": ["a.jpg", "b.jpg"], "real_age": [30, None]})
    table.to_parquet(folder / "labels.parquet")
    assert read(folder) == [("a.jpg", "30.0"), ("b.jpg", "")]


def test_rows_know_their_position(folder):
    (folder / "labels.csv").write_text("file_name,real_age\n\na.jpg,30\nc.jpg,41\n")
    present, missing = open_data_set(str(folder)).rows()
    assert (present.table, present.line, present.problem) == ("labels.csv", 3, None)
    assert present.photo == str(folder / "final_files" / "a.jpg")
    assert present.byte_size == 5
    assert (missing.line, missing.problem) == (4, Reason.FILE_MISSING)


def test_optional_columns_are_read(folder):
    (folder / "labels.csv").write_text(
        "file_name,real_age,person,batch,split\na.jpg,30,ann,monday,test\nb.jpg,41,,,\n"
    )
    a, b = open_data_set(str(folder), person_key="key").rows()
    assert (a.batch, a.split) == ("monday", "test")
    assert a.person == pseudonyms.pseudonym("ann", "key")
    assert (b.person, b.batch, b.split) == ("", "", None)


def test_columns_can_be_named(folder):
    (folder / "labels.csv").write_text("photo,age,customer\na.jpg,30,ann\n")
    names = {"file_name": "photo", "real_age": "age", "person": "customer"}
    (row,) = open_data_set(str(folder), LabelSpec(columns=names)).rows()
    assert (row.file_name, row.age) == ("a.jpg", "30")
    assert row.person == pseudonyms.pseudonym("ann", "")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"person": "customer"},
            "labels.csv: no column 'customer'; there are: file_name, real_age",
        ),
        ({"age": "real_age"}, "data.columns: unknown column 'age'; known are: file_name, real_age"),
    ],
)
def test_missing_columns_are_named(folder, columns, sentence):
    with pytest.raises(SettingsError, match=sentence):
        open_data_set(str(folder), LabelSpec(columns=columns))


def test_photos_may_be_in_the_tables_folder(tmp_path):
    (tmp_path / "labels.csv").write_text(TABLE)
    (tmp_path / "a.jpg").write_bytes(b"photo")
    a, b = open_data_set(str(tmp_path)).rows()
    assert a.photo == str(tmp_path / "a.jpg")
    assert b.problem == Reason.FILE_MISSING


def test_the_ignore_list_leaves_rows_out(folder):
    (folder / "ignore_list.txt").write_text("\nb.jpg\r\n")
    assert read(folder) == [("a.jpg", "30")]
    assert open_data_set(str(folder)).row_count == 1


@pytest.fixture
def release(tmp_path):
    """The APPA-REAL release with one photo in each split; the one in `train` has a face crop."""
    for split, name in [("train", "000000.jpg"), ("valid", "004113.jpg"), ("test", "005613.jpg")]:
        (tmp_path / split).mkdir()
        (tmp_path / split / name).write_bytes(b"photo")
        (tmp_path / f"gt_avg_{split}.csv").write_text(
            "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
            f"{name},38,30.1,4.2,31\n"
        )
    (tmp_path / "train" / "000000.jpg_face.jpg").write_bytes(b"face")
    return tmp_path


def test_the_release_has_its_own_splits_and_face_crops(release):
    rows = list(open_data_set(str(release)).rows())
    assert [row.split for row in rows] == ["train", "valid", "test"]
    assert rows[0].file_name == "000000.jpg"
    assert rows[0].photo.endswith("train/000000.jpg_face.jpg")
    assert rows[1].photo.endswith("valid/004113.jpg")


def test_face_crops_can_be_ignored(release):
    first, *_ = open_data_set(str(release), LabelSpec(face_crops=False)).rows()
    assert first.photo.endswith("train/000000.jpg")


def test_names_that_lead_out_are_reported(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.jpg"
    elsewhere.write_bytes(b"photo")
    (folder / "final_files" / "link.jpg").symlink_to(elsewhere)
    (folder / "final_files" / "inner.jpg").symlink_to(folder / "final_files" / "a.jpg")
    names = ["../labels.csv", str(elsewhere), "..\\a.jpg", "C:\\a.jpg", "link.jpg", "inner.jpg"]
    (folder / "labels.csv").write_text(
        "file_name,real_age\n" + "".join(f"{name},30\n" for name in names)
    )
    problems = [row.problem for row in open_data_set(str(folder)).rows()]
    assert problems == [Reason.OUTSIDE_DATA_FOLDER] * 5 + [None]


def test_photos_in_sub_folders_are_found(folder):
    (folder / "final_files" / "more").mkdir()
    (folder / "final_files" / "more" / "c.jpg").write_bytes(b"photo")
    (folder / "labels.csv").write_text("file_name,real_age\nmore/c.jpg,1\n./a.jpg,2\nmore\\c.jpg,1")
    assert [row.problem for row in open_data_set(str(folder)).rows()] == [None] * 3


def _nothing(folder):
    return folder / "absent"


def _no_table(folder):
    (folder / "labels.csv").unlink()
    return folder


def _other_columns(folder):
    (folder / "labels.csv").write_text("name,real_age,city\n")
    return folder


def _no_table_at_all(folder):
    (folder / "labels.csv").write_bytes(b'"a\nb"' + b"," * 1000)
    return folder


def _no_rows(folder):
    (folder / "labels.csv").write_text("file_name,real_age\n")
    return folder


def _nothing_in_it(folder):
    (folder / "labels.csv").write_text("")
    return folder


def _utf_16_without_a_mark(folder):
    (folder / "labels.csv").write_text(TABLE, encoding="utf-16-le")
    return folder


def _broken_in_the_middle(folder):
    (folder / "labels.csv").write_bytes(TABLE.encode() + b"\xff\xfe,30\n")
    return folder


def _broken_gzip(folder):
    (folder / "labels.csv").unlink()
    (folder / "labels.csv.gz").write_bytes(gzip.compress(TABLE.encode())[:-9])
    return folder


def _broken_parquet(folder):
    (folder / "labels.csv").unlink()
    (folder / "labels.parquet").write_bytes(b"PAR1 and no more")
    return folder


def _two_tables(folder):
    (folder / "labels.tsv").write_text(TABLE)
    return folder


def _two_layouts(folder):
    (folder / "gt_avg_train.csv").write_text(TABLE)
    return folder


def _no_photos(folder):
    for file in (folder / "final_files").iterdir():
        file.unlink()
    return folder


def _no_photos_beside(folder):
    _no_photos(folder)
    (folder / "final_files").rmdir()
    (folder / "ignore_list.txt").write_text("c.jpg")
    return folder


def _no_photo_folder(folder):
    (folder / "labels.csv").rename(folder / "gt_avg_train.csv")
    return folder


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_nothing, "absent: the folder does not exist"),
        (_no_table, "no label table; expected labels.csv or gt_avg_train.csv"),
        (_other_columns, "labels.csv: no column 'file_name'; there are: name, real_age, city"),
        (
            _no_table_at_all,
            "labels.csv: no column 'file_name' and no column 'real_age'; there are: a b",
        ),
        (_no_rows, "labels.csv: no rows"),
        (_nothing_in_it, "labels.csv: the table is empty"),
        (_utf_16_without_a_mark, "labels.csv: not text in UTF-8"),
        (_broken_in_the_middle, "labels.csv: not text in UTF-8"),
        (_broken_gzip, "labels.csv.gz: cannot be read"),
        (_broken_parquet, "labels.parquet: cannot be read as Parquet"),
        (_two_tables, "found labels.csv and labels.tsv; keep only one of them"),
        (_two_layouts, "tables of several layouts; set data.layout to one of: hand_out, appa_real"),
        (_no_photos, "final_files: no photos in this folder"),
        (_no_photos_beside, "no photos in this folder"),
        (_no_photo_folder, "train, but this folder does not exist"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(folder, spoil, sentence):
    with pytest.raises(SettingsError) as caught:
        open_data_set(str(spoil(folder)))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_layout_is_named(folder):
    with pytest.raises(ValueError, match="'hand_out', 'appa_real' or 'loyalty_card'"):
        open_data_set(str(folder), LabelSpec(layout="mine"))


def _fingerprint(folder):
    return open_data_set(str(folder)).fingerprint()


def test_the_fingerprint_is_stable(folder):
    assert _fingerprint(folder) == _fingerprint(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "labels.csv").write_text(TABLE.replace("41", "42")),
        lambda folder: (folder / "final_files" / "a.jpg").write_bytes(b"other photo"),
        lambda folder: (folder / "final_files" / "c.jpg").write_bytes(b"photo"),
        lambda folder: (folder / "final_files" / "a.jpg").rename(folder / "final_files" / "z.jpg"),
        lambda folder: (folder / "ignore_list.txt").write_text("b.jpg"),
    ],
    ids=["table", "content", "new photo", "name", "ignore list"],
)
def test_the_fingerprint_changes_with_the_data(folder, change):
    before = _fingerprint(folder)
    change(folder)
    assert _fingerprint(folder) != before


def test_a_copy_at_another_time_and_place_is_the_same_data(folder, tmp_path_factory):
    before = _fingerprint(folder)
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("elsewhere") / "data")
    for file in copied.rglob("*.*"):
        os.utime(file, ns=(1, 1))
    assert _fingerprint(copied) == before


def test_names_that_are_not_text_are_part_of_the_fingerprint(folder):
    before = _fingerprint(folder)
    (folder / "final_files" / os.fsdecode(b"\xff.jpg")).write_bytes(b"photo")
    assert _fingerprint(folder) != before


def test_a_data_set_is_opened_without_heavy_imports():
    code = (
        "import sys; import customer_age.labels, customer_age.files.store;"
        "print({'tensorflow', 'apache_beam', 'tfx', 'pandas', 'numpy', 'PIL'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"
