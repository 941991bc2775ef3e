import csv
import io
import json

import pyarrow.parquet as pq

from customer_age.pipeline.prediction import prediction_rows, shard_files
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


def test_a_name_that_is_a_formula_is_text_in_csv_and_itself_in_json_lines():
    row = Prediction("=1+1.jpg", None, reason="truncated", detail="-")
    texts = {}
    for file_format in ("csv", "jsonl"):
        file = io.StringIO()
        prediction_rows.writer(file_format, file, "3", GROUPS)([row])
        texts[file_format] = file.getvalue()
    [_, written] = csv.reader(io.StringIO(texts["csv"], newline=""))
    assert written == ["'=1+1.jpg", "", "", "truncated", "'-", "3"]
    assert json.loads(texts["jsonl"])["file_name"] == "=1+1.jpg"


def test_so_it_is_in_the_files_of_score_but_for_parquet(tmp_path):
    row = Prediction("@x.jpg", 34.0, "18+")
    for file_format in ("csv", "parquet"):
        path = str(tmp_path / f"predictions.{file_format}")
        with shard_files.create(path, str(tmp_path), file_format, "3") as rows:
            rows.write([row])
    written = (tmp_path / "predictions.csv").read_text().splitlines()
    assert written[1] == "'@x.jpg,34.0,18+,,,3"
    assert pq.read_table(tmp_path / "predictions.parquet")["file_name"].to_pylist() == ["@x.jpg"]
