"""One data set with every kind of bad row: each has its reason, and no row is lost."""

import csv
from collections import Counter

import pytest
from PIL import Image

from customer_age.labels import open_data_set
from customer_age.photos.spec import PhotoSpec
from customer_age.pipeline.data_check import row_judgement
from customer_age.schema.refusals import Reason

GOOD = 24

BAD_AGES = {
    "age empty": ("", Reason.AGE_MISSING),
    "age is a word": ("old", Reason.AGE_NOT_A_NUMBER),
    "age is nan": ("nan", Reason.AGE_NOT_A_NUMBER),
    "age with an underscore": ("3_0", Reason.AGE_NOT_A_NUMBER),
    "age is two numbers": ("1,234.5", Reason.AGE_NOT_A_NUMBER),
    "age 999": ("999", Reason.AGE_OUT_OF_RANGE),
    "age below 0": ("-1", Reason.AGE_OUT_OF_RANGE),
    "age is infinite": ("inf", Reason.AGE_OUT_OF_RANGE),
}

BAD_PHOTOS = {
    "missing": (None, Reason.FILE_MISSING),
    "empty": (lambda photo: b"", Reason.FILE_EMPTY),
    "cut off": (lambda photo: photo[: len(photo) // 2], Reason.TRUNCATED),
    "text": (lambda photo: b"not a photo", Reason.NOT_AN_IMAGE),
    "JPEG 2000": (
        lambda photo: b"\0\0\0\x0cjP  \r\n\x87\n" + photo,
        Reason.FORMAT_UNSUPPORTED,
    ),
    "bomb": (
        lambda photo: b"BM" + bytes(12) + (40).to_bytes(4, "little")
        + (30_000).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24),
        Reason.TOO_MANY_PIXELS,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory, photo, encode):
    """The data folder, and file name to the reason that each bad row must get."""
    root = tmp_path_factory.mktemp("bad")
    folder = root / "data"
    photos = folder / "final_files"
    photos.mkdir(parents=True)
    rows, expected = [], {}

    def add(name, age, content, reason=None):
        rows.append((name, age))
        if reason is not None:
            expected[name] = reason
        if content is not None:
            (photos / name).write_bytes(content)

    for number in range(GOOD):
        add(f"good {number}.jpg", 20 + number, photo(number))
    for number, (kind, (age, reason)) in enumerate(BAD_AGES.items()):
        add(f"{kind}.jpg", age, photo(1000 + number), reason)
    for number, (kind, (spoil, reason)) in enumerate(BAD_PHOTOS.items()):
        content = None if spoil is None else spoil(photo(2000 + number))
        add(f"{kind}.jpg", 30, content, reason)
    add("small.png", 30, encode(Image.new("RGB", (15, 400)), "PNG"), Reason.TOO_SMALL)
    add("unnamed", 30, photo(3000), None)
    rows[-1] = ("", 30)
    expected[""] = Reason.FILE_MISSING
    (root / "secret.jpg").write_bytes(photo(3001))
    (photos / "link.jpg").symlink_to(root / "secret.jpg")
    add("link.jpg", 30, None, Reason.OUTSIDE_DATA_FOLDER)
    add("decimal comma.jpg", 30, photo(3004), Reason.ROW_MALFORMED)
    rows[-1] = ("decimal comma.jpg", 30, 5)
    add("../../secret.jpg", 30, None, Reason.OUTSIDE_DATA_FOLDER)
    add(str(root / "secret.jpg"), 30, None, Reason.OUTSIDE_DATA_FOLDER)
    add("twice.jpg", 30, photo(3002), Reason.SAME_NAME_OTHER_AGE)
    add("twice.jpg", 31, None)
    add("same a.jpg", 30, photo(3003), Reason.SAME_PHOTO_OTHER_AGE)
    add("same b.jpg", 60, photo(3003), Reason.SAME_PHOTO_OTHER_AGE)
    for number in range(5):  # a file that is not a photo cannot contradict another row
        add(f"broken alike {number}.jpg", 20 + 10 * number, b"broken", Reason.NOT_AN_IMAGE)
    add("copy of good 1.jpg", 21.0, photo(1), Reason.DUPLICATE)
    add("good 2.jpg", 22, None)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "real_age"), *rows])
    return folder, rows, expected


@pytest.fixture(scope="module")
def ingested(data, ingest, tmp_path_factory):
    return ingest(data[0], tmp_path_factory.mktemp("bad output") / "examples")


def test_each_row_becomes_an_example_or_a_refusal(data, ingested):
    rows = len(data[1])
    assert ingested.summary["rows"] == rows
    assert sum(ingested.summary["photos"].values()) == GOOD
    assert sum(ingested.summary["refused"].values()) == len(ingested.refused) == rows - GOOD
    assert len(ingested.by_name()) == GOOD
    assert ingested.artifact.get_int_custom_property("photos") == GOOD
    assert ingested.artifact.get_int_custom_property("refused") == rows - GOOD


def test_each_bad_row_has_its_reason(data, ingested):
    _, _, expected = data
    found = {row["file_name"]: row["reason"] for row in ingested.refused}
    assert found == {**{name: str(reason) for name, reason in expected.items()},
                     "good 2.jpg": "duplicate"}  # fmt: skip
    assert Counter(row["reason"] for row in ingested.refused) == ingested.summary["refused"]


def test_check_data_reports_each_bad_row_as_the_run_does(data, ingested):
    spec = PhotoSpec(stored_size=64, min_size=16)
    judged = row_judgement.judge([open_data_set(str(data[0]))], spec)
    found = [
        {"table": each.table, "line": str(each.line), "file_name": each.file_name,
         "reason": each.reason, "detail": each.detail}
        for each in judged.refused
    ]  # fmt: skip
    assert found == ingested.refused
    assert {row.file_name for row in judged.usable[0]} == set(ingested.by_name())


def test_each_bad_row_is_found_in_its_table(data, ingested):
    _, rows, _ = data
    for row in ingested.refused:
        assert row["table"] == "labels.csv"
        assert rows[int(row["line"]) - 2][0] == row["file_name"]
    lines = [int(row["line"]) for row in ingested.refused]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("file_name", "detail"),
    [
        ("age 999.jpg", "real_age 999 is outside 0 to 120"),
        ("age is a word.jpg", "real_age 'old' is not a number"),
        ("age empty.jpg", "real_age is empty"),
        ("decimal comma.jpg", "the row has 3 cells, and the header has 2 cells"),
        ("small.png", "15x400 pixels, less than 16 on the shorter side"),
        ("twice.jpg", "the same file name has the ages 30 and 31"),
        ("same a.jpg", "the same photo has the ages 30 and 60"),
        ("copy of good 1.jpg", "the same photo as good 1.jpg in labels.csv, line 3, which is kept"),
    ],
)
def test_details_describe_the_fault(ingested, file_name, detail):
    assert detail in [row["detail"] for row in ingested.refused if row["file_name"] == file_name]


def test_the_summary_shows_each_reason(ingested):
    sentences = ingested.summary["examples_of_refused"]
    assert len(sentences) <= 2 * len(ingested.summary["refused"])
    for row in ingested.refused:
        same = [other for other in ingested.refused if other["reason"] == row["reason"]]
        assert any(other["detail"] in sentence for other in same for sentence in sentences)


def test_every_reason_except_the_rare_ones_is_covered(data):
    _, _, expected = data
    # Too large, damaged and unreadable files are met in test_photos.py and test_executor.py, what
    # only cards can lack in test_loyalty_cards.py.
    rare = {Reason.FILE_TOO_LARGE, Reason.FILE_UNREADABLE, Reason.DAMAGED, Reason.SPLIT_UNKNOWN}
    of_cards = {
        Reason.CARD_UNKNOWN,
        Reason.CARD_AMBIGUOUS,
        Reason.NO_CONSENT,
        Reason.BIRTH_UNKNOWN,
        Reason.BORN_AFTER_CAPTURE,
        Reason.CAPTURE_UNKNOWN,
        Reason.CAPTURED_IN_FUTURE,
        Reason.BORN_TOO_EARLY,
        Reason.PROFILE_STALE,
        Reason.TOO_MANY_OF_CARD,
        Reason.FORGOTTEN,
        Reason.PERSON_IN_TWO_SPLITS,
    }
    assert set(expected.values()) == set(Reason) - rare - of_cards
