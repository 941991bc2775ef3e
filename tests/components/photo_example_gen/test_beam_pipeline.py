import dataclasses
import hashlib

import pytest

from customer_age.components.photo_example_gen import beam_pipeline
from customer_age.labels import LabelRow
from customer_age.photos.decode import MAX_FILE_BYTES
from customer_age.schema.refusals import Reason


@pytest.fixture
def label_row(tmp_path):
    """Make a row of a table whose photo has this content."""

    def make(name: str, content: str, age: str = "30", line: int = 2, **fields) -> LabelRow:
        path = tmp_path / name
        path.write_text(content)
        row = LabelRow(
            table="labels.csv",
            line=line,
            file_name=name,
            age=age,
            split=None,
            person="",
            batch="",
            extras=(),
            photo=str(path),
            byte_size=len(content),
            problem=None,
            detail="",
        )
        return dataclasses.replace(row, **fields)

    return make


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"age": "0"}, None),
        ({"age": "120"}, None),
        ({"age": "29,5"}, None),
        ({"age": "120.1"}, Reason.AGE_OUT_OF_RANGE),
        ({"age": ""}, Reason.AGE_MISSING),
        ({"age": "thirty"}, Reason.AGE_NOT_A_NUMBER),
        ({"split": "test"}, None),
        ({"split": "eval"}, Reason.SPLIT_UNKNOWN),
        ({"byte_size": 0}, Reason.FILE_EMPTY),
        ({"byte_size": MAX_FILE_BYTES + 1}, Reason.FILE_TOO_LARGE),
        ({"problem": Reason.FILE_MISSING}, Reason.FILE_MISSING),
        ({"problem": Reason.FILE_MISSING, "age": "999"}, Reason.AGE_OUT_OF_RANGE),
        ({"problem": Reason.NO_CONSENT, "age": ""}, Reason.NO_CONSENT),
    ],
)
def test_rows_are_checked(label_row, change, reason):
    (answer,) = beam_pipeline.CheckRow().process(label_row("a", "one", **change))
    if reason is None:
        assert isinstance(answer, LabelRow)
    else:
        assert answer.tag == "refused"
        assert (answer.value.reason, answer.value.line) == (str(reason), 2)


def test_a_photo_keeps_its_shard_in_any_location(label_row):
    row = label_row("a.jpg", "one")
    for place in ("/elsewhere/train/a.jpg", "s3://b/a.jpg?endpoint=http://127.0.0.1:9000"):
        moved = dataclasses.replace(row, photo=place)
        assert beam_pipeline._sharded(row, 7)[0] == beam_pipeline._sharded(moved, 7)[0]
    expected = int.from_bytes(hashlib.sha256(b"a.jpg").digest()[:8], "big") % 7
    assert beam_pipeline._sharded(row, 7)[0] == expected


def test_rows_have_the_same_order_in_any_location(label_row):
    names = ["a", "a-b", "a.jpg", "a.jpg_face.jpg", "b"]
    here = [label_row(name, "one") for name in reversed(names)]
    there = [
        dataclasses.replace(row, photo=f"s3://b/{row.file_name}?endpoint=http://127.0.0.1:9000")
        for row in here
    ]
    for rows in (here, there):
        ordered = sorted(rows, key=beam_pipeline._place)
        assert [row.file_name for row in ordered] == names
