"""A loyalty-card upload as examples, without any data that identify a person."""


def test_card_numbers_and_dates_of_birth_reach_no_file(batch, shown, ingest, tmp_path):
    cards = {f"4000-{number:04}": "1990-03-01" for number in range(12)}
    rows = [shown(f"{number}.jpg", f"4000-{number % 14:04}") for number in range(42)]
    cards["4000-0012"] = "1899-01-01"
    result = ingest(batch(tmp_path, "upload", rows, cards), tmp_path / "examples")
    assert result.summary["refused"] == {"born_too_early": 3, "card_unknown": 3}
    assert sum(result.summary["photos"].values()) == 36
    splits_of_person = {}
    for split, example in result.by_name().values():
        person = example.features.feature["person"].bytes_list.value[0]
        splits_of_person.setdefault(person, set()).add(split)
    assert [len(splits) for splits in splits_of_person.values()] == [1] * 12
    for file in result.uri.rglob("*"):
        if file.is_file():
            content = file.read_bytes()  # shards are stored, not compressed
            assert b"4000-00" not in content, file
            assert b"1990-03-01" not in content, file
