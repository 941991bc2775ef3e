"""docs/privacy.md: each test that it names exists, and it lists each place that keeps data."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "privacy.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("## The certificate")[0].splitlines()
    if line.startswith("|") and not line.startswith(("| what |", "| ---"))
]
SOURCES = [
    file
    for room in ("components", "pipeline", "src/customer_age/labels", "src/customer_age/files")
    for file in (ROOT / room).rglob("*.py")
]


def names_of_tests():
    tests = {cell for row in ROWS for cell in re.findall(r"`([^`]+)`", row[-1])}
    return sorted(tests | set(re.findall(r"`(tests/[^`]+\.py)`", PAGE)))


@pytest.mark.parametrize("name", names_of_tests())
def test_a_test_that_the_page_names_is_there(name):
    if name.endswith(".py"):
        places = [ROOT / name, Path(__file__).parent / name]
        assert any(place.is_file() for place in places), name
    else:
        tests = (ROOT / "tests").rglob("test_*.py")
        assert any(f"def {name}(" in file.read_text() for file in tests), name


def test_each_row_is_complete_and_names_its_test():
    assert len(ROWS) >= 10
    for row in ROWS:
        assert len(row) == 5, row
        assert all(row), row
        assert row[-1] == "-" or "test_" in row[-1], row


@pytest.mark.parametrize(
    "place", sorted({place for row in ROWS for place in re.findall(r"`([^`]+)`", row[1])})
)
def test_a_place_that_the_page_names_is_one_that_the_code_knows(place):
    name = place.rstrip("/").rpartition("/")[2].removeprefix("data.")
    assert any(re.search(rf"\b{re.escape(name)}\b", file.read_text()) for file in SOURCES), place


def test_no_folder_of_a_work_folder_is_missing_where_people_may_be_in_it():
    """The places in a work folder that contain no personal data are listed here."""
    work_folder = (ROOT / "pipeline" / "running" / "work_folder.py").read_text()
    drawn = work_folder.split("```")[1].strip().splitlines()
    places = {line.split()[0].rstrip("/") for line in drawn}
    nothing_of_a_person = {"models", "metadata.sqlite", "tuning", "tuned.yaml"}
    said = {"logs": "logs", "report.html": "reports", "reports": "reports", "registry": "registry"}
    said |= {"pipeline": "Examples", "batch_cache": "batch_cache", "person.key": "person.key"}
    said |= {"forgotten.jsonl": "forgotten.jsonl", "certificates": "certificates"}
    said |= {"checkpoint": "checkpoint"}
    assert places == nothing_of_a_person | set(said)
    for word in said.values():
        assert word in PAGE, word
