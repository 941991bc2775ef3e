"""Official splits of the base set, and people who are in several of them."""

import json

from customer_age.labels import pseudonyms


def test_a_person_in_several_official_splits_stays_in_the_one_that_measures(
    hand_out, photo, ingest, person_key, tmp_path
):
    folder = hand_out([(f"{number}.jpg", 20 + number, photo(number)) for number in range(8)])
    table = folder / "labels.csv"
    persons = ["ann", "ann", "ann", "bob", "bob", "eve", "eve", ""]
    splits = ["train", "test", "valid", "valid", "train", "train", "train", "train"]
    header, *rows = table.read_text().splitlines()
    rows = [",".join(row) for row in zip(rows, persons, splits, strict=True)]
    table.write_text("\n".join([f"{header},person,split", *rows]))
    result = ingest(folder, tmp_path / "examples")
    assert result.summary["photos"] == {"train": 3, "valid": 1, "test": 1}
    assert result.summary["refused"] == {"person_in_two_splits": 3}
    details = {each["file_name"]: each["detail"] for each in result.refused}
    assert details == {
        "0.jpg": "the person is also in the official split test",
        "2.jpg": "the person is also in the official split test",
        "4.jpg": "the person is also in the official split valid",
    }
    key = person_key(tmp_path).read_text().strip()
    found = {}
    for split, example in result.by_name().values():
        (person,) = example.features.feature["person"].bytes_list.value
        found.setdefault(person.decode(), []).append(split)
    assert found == {
        pseudonyms.pseudonym("ann", key): ["test"],
        pseudonyms.pseudonym("bob", key): ["valid"],
        pseudonyms.pseudonym("eve", key): ["train"] * 2,
        "": ["train"],
    }
    assert json.loads((result.uri / "ingestion.json").read_text())["deal"]["base"] == "official"
