"""The record of how people were assigned to splits."""

import pytest

from customer_age.labels import SplitSpec, open_data_set
from customer_age.labels.deal import deal_of

SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}


@pytest.fixture
def data_set(tmp_path, photo):
    def write(columns, row, batch="", key=""):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "a.jpg").write_bytes(photo(1))
        (folder / "labels.csv").write_text(f"file_name,real_age{columns}\na.jpg,30{row}\n")
        return open_data_set(str(folder), batch=batch, person_key=key)

    return write


def test_a_deal_is_the_same_for_the_same_settings_and_holds_no_key(data_set):
    spec = SplitSpec(split_key="which way")
    deal = deal_of([data_set(",person", ",ann", key="a secret")], spec)
    again = deal_of([data_set(",person", ",bob", key="a secret")], spec)
    assert deal.differences(again) == []
    assert "a secret" not in deal.model_dump_json()
    assert "which way" not in deal.model_dump_json()


@pytest.mark.parametrize(
    ("spec", "key", "named"),
    [
        (SplitSpec(split_key="another"), "key", ["data.split_key"]),
        (SplitSpec(split_shares=SHARES), "key", ["data.split_shares"]),
        (SplitSpec(), "another key", ["data.person_key_file"]),
    ],
)
def test_a_setting_that_changes_splits_is_named(data_set, spec, key, named):
    former = deal_of([data_set(",person", ",ann", key="key")], SplitSpec())
    assert former.differences(deal_of([data_set(",person", ",ann", key=key)], spec)) == named


def test_the_base_set_must_not_change_how_it_is_split(data_set):
    sets = [
        data_set("", ""),
        data_set(",person", ",ann", key="key"),
        data_set(",split", ",train"),
    ]
    deals = [deal_of([each], SplitSpec()) for each in sets]
    assert [deal.base for deal in deals] == ["photos", "persons", "official"]
    for former in deals:
        for deal in deals:
            assert bool(former.differences(deal)) == (former.base != deal.base)


def test_the_first_batch_with_a_person_does_not_change_the_deal(data_set):
    base, batch = data_set(",split", ",train"), data_set(",person", ",ann", "monday", "key")
    alone, together = deal_of([base], SplitSpec()), deal_of([base, batch], SplitSpec())
    assert (alone.split_key, alone.person_key) == ("", "")
    assert together.split_key
    assert together.person_key
    assert alone.differences(together) == together.differences(alone) == []


def test_a_deal_is_recorded_as_in_earlier_versions(data_set):
    """A run compares its deal with the champion's, which an older release may have written."""
    by_hash = deal_of([data_set("", "")], SplitSpec())
    assert by_hash.split_shares == "0.8,0.1,0.1"
    assert by_hash.split_key == "ccbe683c8a95"
    official = deal_of([data_set(",split", ",train")], SplitSpec())
    assert (official.split_shares, official.split_key) == ("", "")
