"""The two files of an Examples artifact are written as release 0.1 wrote them, and read again."""

import csv
import json
import subprocess
import sys

import pytest

from customer_age.components.artifacts.ingestion import (
    BASE,
    BatchCounts,
    Ingestion,
    read_ingestion,
    read_refused,
    write_ingestion,
    write_refused,
)
from customer_age.schema.refusals import Refusal

ALONE = """{
  "rows": 3,
  "photos": {
    "train": 2,
    "valid": 0
  },
  "refused": {
    "damaged": 1
  },
  "examples_of_refused": [
    "labels.csv, line 4: ä.jpg: cut off"
  ],
  "seconds": 1.0
}"""

WITH_BATCHES = """{
  "rows": 2,
  "photos": {
    "train": 2
  },
  "batches": {
    "base": {
      "rows": 2,
      "photos": {
        "train": 2
      },
      "refused": {},
      "age_groups": {
        "0-17": 2
      },
      "new": false
    }
  },
  "seconds_ingesting": 0.51,
  "seconds_assembling": 0.02,
  "refused": {},
  "examples_of_refused": [],
  "seconds": 0.6
}"""


def test_counts_keep_their_format(tmp_path):
    alone = Ingestion(
        rows=3,
        photos={"train": 2, "valid": 0},
        refused={"damaged": 1},
        examples_of_refused=["labels.csv, line 4: ä.jpg: cut off"],
        seconds=1.0,
    )
    write_ingestion(str(tmp_path), alone)
    assert (tmp_path / "ingestion.json").read_text(encoding="utf-8") == ALONE
    assert read_ingestion(str(tmp_path)) == alone


def test_counts_of_batches_keep_their_format(tmp_path):
    base = BatchCounts(rows=2, photos={"train": 2}, refused={}, age_groups={"0-17": 2}, new=False)
    together = Ingestion(
        rows=2,
        photos={"train": 2},
        batches={BASE: base},
        seconds_ingesting=0.51,
        seconds_assembling=0.02,
        refused={},
        examples_of_refused=[],
        seconds=0.6,
    )
    write_ingestion(str(tmp_path), together)
    assert (tmp_path / "ingestion.json").read_text(encoding="utf-8") == WITH_BATCHES
    assert read_ingestion(f"{tmp_path}/") == together


def test_refused_rows_are_sorted_and_read_again(tmp_path):
    refused = [
        Refusal("b.csv", 2, "x.jpg", "damaged", ""),
        Refusal("a.csv", 10, 'a, "b"\nc.jpg', "duplicate", "the same photo"),
        Refusal("a.csv", 9, "y.jpg", "too_small", "3 x 3 pixels"),
    ]
    write_refused(str(tmp_path), refused)
    assert read_refused(str(tmp_path)) == sorted(refused)
    lines = (tmp_path / "refused.csv").read_bytes().split(b"\r\n")
    assert lines[:2] == [
        b"table,line,file_name,reason,detail",
        b"a.csv,9,y.jpg,too_small,3 x 3 pixels",
    ]


@pytest.mark.parametrize(
    ("reader", "name", "content", "sentence"),
    [
        (read_ingestion, "ingestion.json", json.dumps({"rows": 7}), "ingestion.json: photos: "),
        (read_ingestion, "ingestion.json", '{"rows": 7', "ingestion.json: as a whole: "),
        (read_refused, "refused.csv", "table,line\na,3\n", "refused.csv: 0.file_name: "),
    ],
)
def test_missing_or_damaged_files_are_reported_in_one_line(
    tmp_path, reader, name, content, sentence
):
    with pytest.raises(FileNotFoundError, match=name):
        reader(str(tmp_path))
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f"^{sentence}") as error:
        reader(str(tmp_path))
    assert "\n" not in str(error.value)


def test_local_files_are_read_without_heavy_imports(tmp_path):
    (tmp_path / "ingestion.json").write_text(ALONE, encoding="utf-8")
    (tmp_path / "refused.csv").write_text("table,line,file_name,reason,detail\n")
    code = (
        "import sys; from customer_age.components.artifacts import ingestion;"
        f"ingestion.read_ingestion({str(tmp_path)!r}); ingestion.read_refused({str(tmp_path)!r});"
        "print({'tensorflow', 'apache_beam', 'tfx', 'pandas'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"


def test_a_name_that_is_a_formula_is_text_in_the_list_and_itself_when_read(tmp_path):
    refused = [Refusal("a.csv", 1, '=HYPERLINK("http://x")', "damaged", "-1 pixels")]
    write_refused(str(tmp_path), refused)
    with (tmp_path / "refused.csv").open(newline="", encoding="utf-8") as file:
        [_, row] = csv.reader(file)
    assert row == ["a.csv", "1", '\'=HYPERLINK("http://x")', "damaged", "'-1 pixels"]
    assert read_refused(str(tmp_path)) == refused
