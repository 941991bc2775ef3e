import dataclasses
import hashlib

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from customer_age.components.photo_example_gen import beam_pipeline, deduplication
from customer_age.labels import LabelRow
from customer_age.photos import MAX_FILE_BYTES
from customer_age.schema.refusals import Reason

RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


@pytest.fixture
def label_row(tmp_path):
    """Make a row of a table whose photo holds the given content."""

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


def _kept_and_refused(rows):
    """Run `OneRowPerPhoto` on Beam.

    Returns:
        A function that takes the expected file names kept and (file name, reason) pairs refused.
    """

    def expect(kept, refused):
        with beam.Pipeline(runner=RUNNER) as pipeline:
            outputs = pipeline | beam.Create(rows) | deduplication.OneRowPerPhoto()
            assert_that(
                outputs["good"] | "Kept" >> beam.Map(lambda row: row.file_name), equal_to(kept)
            )
            pairs = outputs["refused"] | beam.Map(lambda one: (one.file_name, str(one.reason)))
            assert_that(pairs, equal_to(refused), label="refused")

    return expect


def test_different_photos_are_all_kept(label_row):
    rows = [label_row("a", "one"), label_row("b", "two"), label_row("c", "three")]
    _kept_and_refused(rows)(["a", "b", "c"], [])


def test_the_first_of_identical_photos_is_kept(label_row):
    rows = [label_row("b", "same", line=3), label_row("a", "same", line=4),
            label_row("c", "same", "30.0", line=2)]  # fmt: skip
    _kept_and_refused(rows)(["c"], [("a", "duplicate"), ("b", "duplicate")])


def test_contradicting_ages_refuse_all(label_row):
    rows = [label_row("a", "same"), label_row("b", "same", "31"), label_row("c", "else")]
    _kept_and_refused(rows)(["c"], [("a", "same_photo_other_age"), ("b", "same_photo_other_age")])


def test_a_row_twice_is_kept_once_and_its_contradiction_never(label_row):
    rows = [label_row("a", "one"), label_row("a", "one", line=3), label_row("b", "seven"),
            label_row("b", "seven", "31")]  # fmt: skip
    _kept_and_refused(rows)(
        ["a"],
        [("a", "duplicate"), ("b", "same_name_other_age"), ("b", "same_name_other_age")],
    )


def test_only_photos_of_one_size_are_read_for_it(label_row, monkeypatch):
    read = []
    monkeypatch.setattr(
        deduplication, "read_photo", lambda path: read.append(path) or path.encode()
    )
    rows = [label_row("a", "one"), label_row("b", "two"), label_row("c", "three")]
    _kept_and_refused(rows)(["a", "b", "c"], [])
    assert sorted(path.rpartition("/")[2] for path in read) == ["a", "b"]


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


def test_a_photo_keeps_its_shard_wherever_the_data_lie(label_row):
    row = label_row("a.jpg", "one")
    moved = dataclasses.replace(row, photo="/elsewhere/train/a.jpg")
    assert beam_pipeline._sharded(row, 7)[0] == beam_pipeline._sharded(moved, 7)[0]
    expected = int.from_bytes(hashlib.sha256(b"a.jpg").digest()[:8], "big") % 7
    assert beam_pipeline._sharded(row, 7)[0] == expected
