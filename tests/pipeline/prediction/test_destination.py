"""`score` deletes only files in the named folder, even if its name has special characters."""

import pytest

from customer_age.pipeline.prediction import destination

NAMES = ["out[1]", "out[!2]", "out*", "out?", "{out1,out2}", "out\\1", "out 1", "out%31", "out#1"]


@pytest.mark.parametrize("name", NAMES)
def test_overwriting_deletes_nothing_of_a_folder_that_the_name_would_match(tmp_path, name):
    decoys = [tmp_path / each / "predictions-0.parquet" for each in ("out1", "out2", "outer")]
    own = tmp_path / name / "predictions-0.parquet"
    for file in (own, *decoys):
        file.parent.mkdir()
        file.write_bytes(b"rows")
    destination.parse(str(own.parent), None).prepare(overwrite=True)
    assert not own.exists()
    assert all(file.exists() for file in decoys)
