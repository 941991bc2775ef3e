import csv
import io
import json

from customer_age.pipeline.prediction import prediction_rows
from customer_age.pipeline.prediction.prediction_rows import Prediction
from customer_age.schema import age_groups

GROUPS = age_groups.parse(["0-17", "18+"])
ROWS = [
    Prediction("a, b.jpg", 34.0, "18+"),
    Prediction('"\x1b[2J\n.jpg', None, reason="truncated", detail="the file is cut off: at 3"),
    Prediction("\N{SNOWMAN}.jpg", 7.5, "0-17"),
]
VALUES = [
    {"file_name": "a, b.jpg", "age": 34.0, "age_group": "18+", "reason": None, "detail": None,
     "version": "3"},
    {"file_name": '"\x1b[2J\n.jpg', "age": None, "age_group": None, "reason": "truncated",
     "detail": "the file is cut off: at 3", "version": "3"},
    {"file_name": "\N{SNOWMAN}.jpg", "age": 7.5, "age_group": "0-17", "reason": None,
     "detail": None, "version": "3"},
]  # fmt: skip


def _written(file_format):
    file = io.StringIO()
    write = prediction_rows.writer(file_format, file, "3", GROUPS)
    write(ROWS[:1])
    write(ROWS[1:])
    return file.getvalue()


def test_csv_as_programs_read_it():
    read = list(csv.DictReader(io.StringIO(_written("csv"), newline="")))
    assert read == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in VALUES
    ]


def test_json_lines_as_programs_read_them():
    assert [json.loads(line) for line in _written("jsonl").splitlines()] == VALUES


def test_a_table_for_people_a_line_a_photo_that_cannot_steer_the_terminal():
    assert _written("table").splitlines() == [
        "  age  group  photo",
        " 34.0  18+    a, b.jpg",
        '    -  -      "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}.jpg: '
        "the file is cut off: at 3",
        "  7.5  0-17   \N{SNOWMAN}.jpg",
    ]
