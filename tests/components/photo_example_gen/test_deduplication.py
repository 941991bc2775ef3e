"""One example for each photo: the row that keeps a photo of several rows."""

import pytest

from customer_age.components.photo_example_gen.batch_cache.index import Entry
from customer_age.components.photo_example_gen.deduplication import repeated


def entry(name: str, content: str, age: float = 30, line: int = 2, table: str = "labels.csv"):
    return Entry(
        shard=0, split="train", person="", content=content, age=age, group="18+", batch="",
        captured="", table=table, line=line, file_name=name,
    )  # fmt: skip


def left_out(*batches):
    """(file name, line) to the reason, of each row that is left out of some batches."""
    entries = [
        ((number, position), one)
        for number, batch in enumerate(batches)
        for position, one in enumerate(batch)
    ]
    found = list(repeated(entries))
    assert all(batches[at[0]][at[1]] is one for at, one, _, _ in found)
    return {(one.file_name, one.line): str(reason) for _, one, reason, _ in found}


def test_different_photos_are_all_kept():
    assert left_out([entry("a", "one"), entry("b", "two")], [entry("a", "three")]) == {}


def test_the_first_row_keeps_a_photo():
    rows = [entry("b", "same", line=3), entry("a", "same", line=4), entry("c", "same", line=2)]
    assert left_out(rows) == {("a", 4): "duplicate", ("b", 3): "duplicate"}


def test_the_data_set_keeps_a_photo_before_any_batch():
    assert left_out(
        [entry("z", "same", line=9)],
        [entry("a", "same", line=2, table="monday/photos.csv")],
    ) == {("a", 2): "duplicate"}


def test_a_table_goes_before_another():
    rows = [entry("a", "same", line=2, table="gt_avg_valid.csv"),
            entry("b", "same", line=7, table="gt_avg_test.csv")]  # fmt: skip
    assert left_out(rows) == {("a", 2): "duplicate"}


@pytest.mark.parametrize(
    ("ages", "same"),
    [
        ((30, 30.0), True),
        ((31.0000, 31.0027), True),  # a day
        ((30, 30.9999), True),
        ((30, 31), False),
        ((3.1, 4.1), False),  # their floats are less than 1 apart
        ((30.3333, 31.3333), False),
        ((5, 55), False),
    ],
)
def test_ages_less_than_a_year_apart_are_one_age(ages, same):
    rows = [entry("a", "same", ages[0]), entry("b", "same", ages[1], line=3)]
    expected = (
        {("b", 3): "duplicate"}
        if same
        else {("a", 2): "same_photo_other_age", ("b", 3): "same_photo_other_age"}
    )
    assert left_out(rows) == expected
    assert left_out(rows[:1], rows[1:]) == expected, "for rows of any batches"


def test_the_lowest_and_highest_of_many_ages_decide():
    rows = [entry(name, "same", age) for name, age in (("a", 30), ("b", 30.6), ("c", 31.2))]
    assert set(left_out(rows).values()) == {"same_photo_other_age"}


def test_one_file_in_two_rows_is_described_as_such():
    twice = [entry("a", "one"), entry("a", "one", line=3)]
    assert left_out(twice) == {("a", 3): "duplicate"}
    contradicting = [entry("b", "seven"), entry("b", "seven", 31, line=3)]
    assert left_out(contradicting) == dict.fromkeys([("b", 2), ("b", 3)], "same_name_other_age")


def test_a_name_in_two_tables_is_two_files():
    rows = [entry("a", "one", 30, table="gt_avg_train.csv"),
            entry("a", "one", 40, line=3, table="gt_avg_test.csv")]  # fmt: skip
    assert set(left_out(rows).values()) == {"same_photo_other_age"}


def test_the_sentence_names_what_is_kept():
    rows = [entry("a", "same", 30.5, line=7), entry("b", "same", 30, line=8)]
    [(_, one, _, detail)] = repeated([((0, number), row) for number, row in enumerate(rows)])
    assert (one.file_name, detail) == (
        "b", "the same photo as a in labels.csv, line 7, which is kept",
    )  # fmt: skip
