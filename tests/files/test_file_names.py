from pathlib import PurePosixPath

import pytest

from customer_age.files import file_names


@pytest.mark.parametrize("folder", ["", "train", "a/b"])
@pytest.mark.parametrize(
    "name",
    ["a.jpg", "./a.jpg", "x\\a.jpg", "x//a.jpg", "", ".", "..", "../a", "/a", "ü .jpg", "x/./a"],
)
def test_a_relative_name_is_the_path_that_python_makes_of_it(folder, name):
    expected = PurePosixPath(folder, name.replace("\\", "/")).as_posix()
    assert file_names.relative(folder, name) == expected


LEADS_OUT = (
    "/a.jpg", "../a.jpg", "a/../../b.jpg", "C:a.jpg", "..\\a.jpg", "..", "a/..", "a\\..\\b",
    "\\\\host\\a", "//a", "/",
)  # fmt: skip


@pytest.mark.parametrize("name", LEADS_OUT)
def test_a_name_that_leads_out_of_its_folder_is_recognised(name):
    assert file_names.wrong_with(name) == "leads out of its folder"
    assert file_names.wrong_in_table(name) == "leads out of its folder"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "has an empty part"), (".", "has an empty part"), ("a//b", "has an empty part"),
        ("a/./b", "has an empty part"), ("a/", "has an empty part"),
        ("a\0b", "holds a control character"), ("a\nb", "holds a control character"),
        ("a\x7f", "holds a control character"), ("\x1b[2J", "holds a control character"),
        ("a\u2028b", "holds a control character"), ("a\ud800b", "holds a control character"),
        ("n" * 256, "has a part of more than 255"), ("a/" + "ü" * 128, "has a part of more than"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_valid_in_a_folder_is_recognised(name, wrong):
    assert file_names.wrong_with(name).startswith(wrong)


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "..x", "x..", "...", ".hidden", "a b/ü.jpg", "a\\b", "out[1]", "a*", "{x,y}", "~",
     "%2e%2e", "#", "n" * 255, "ü" * 127, "\udcff.jpg", "12:30.jpg"],
)  # fmt: skip
def test_other_names_are_valid(name):
    assert file_names.wrong_with(name) == ""


@pytest.mark.parametrize("cell", ["./a.jpg", "x//a.jpg", "x\\a.jpg", "x/./a.jpg", "a/", ""])
def test_a_table_may_write_a_path_in_more_ways(cell):
    assert file_names.wrong_in_table(cell) == ""


def test_a_name_in_a_message_is_one_line():
    assert file_names.shown("a\n\x1b[2Jb") == r"'a\n\x1b[2Jb'"
    assert len(file_names.shown("n" * 300)) < 100
    assert file_names.printable("Jürgen's \\ photo.jpg") == "Jürgen's \\ photo.jpg"
    assert file_names.printable("a\0b") == r"a\x00b"
