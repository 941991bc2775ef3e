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
