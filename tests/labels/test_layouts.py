"""Folders with several tables of one name, or with none that can be read."""

import pandas as pd
import pytest

from customer_age.errors import SettingsError
from customer_age.labels import LabelSpec, open_data_set, open_data_sets

TABLE = "file_name,real_age\na.jpg,30\n"
HINT = r"files are not read: open it and save the sheet as {}\.csv in the format 'CSV UTF-8 \(comma"


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jpg").write_bytes(b"photo")
    return data


def refusal(folder, **how):
    with pytest.raises(SettingsError) as raised:
        open_data_set(str(folder), LabelSpec(**how))
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2
    return raised


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "xlsm", "ods", "numbers"])
def test_a_workbook_next_to_a_table_is_named(folder, suffix):
    (folder / "labels.csv").write_text(TABLE)
    (folder / f"labels.{suffix}").write_bytes(b"PK")
    raised = refusal(folder)
    raised.match(rf"found labels\.csv and labels\.{suffix}; keep only one of them; \.{suffix} ")
    raised.match(HINT.format("labels"))


def test_a_workbook_alone_is_named(folder):
    (folder / "labels.xlsx").write_bytes(b"PK")
    refusal(folder).match(r"no label table; .*\. Found labels\.xlsx: \." + "xlsx ")
    refusal(folder).match(HINT.format("labels"))


def test_a_split_in_a_workbook_is_not_left_out(folder):
    for split in ("train", "test"):
        (folder / split).mkdir()
        (folder / split / "a.jpg").write_bytes(b"photo")
        (folder / f"gt_avg_{split}.csv").write_text(TABLE)
    (folder / "gt_avg_valid.xlsx").write_bytes(b"PK")
    refusal(folder).match(HINT.format("gt_avg_valid"))


def test_profiles_in_a_workbook_are_named_unless_others_are_set(folder, tmp_path):
    (folder / "photos.csv").write_text("file_name,card_id,captured_at\na.jpg,1,2024-03-01\n")
    (folder / "cards.xlsx").write_bytes(b"PK")
    cards = tmp_path / "cards.csv"
    cards.write_text("card_id,date_of_birth,consent\n1,1990-03-01,yes\n")
    refusal(folder).match(r"Found cards\.xlsx")
    (row,) = open_data_set(str(folder), LabelSpec(profiles=str(cards))).rows()
    assert row.problem is None


@pytest.mark.parametrize("beside", ["cards.parquet", "cards.xlsx"])
def test_several_profile_tables_in_the_inbox_are_refused(folder, tmp_path, beside):
    (folder / "labels.csv").write_text(TABLE)
    inbox = tmp_path / "inbox"
    for name in ("one", "two"):
        (inbox / name).mkdir(parents=True)
        (inbox / name / "a.jpg").write_bytes(b"photo")
        (inbox / name / "photos.csv").write_text(
            "file_name,card_id,captured_at\na.jpg,1,2024-03-01\n"
        )
        (inbox / name / "_SUCCESS").touch()
    profiles = pd.DataFrame({"card_id": ["1"], "date_of_birth": ["1990-03-01"], "consent": ["yes"]})
    profiles.to_csv(inbox / "cards.csv", index=False)
    spec = LabelSpec(inbox=str(inbox))
    _, *batches = open_data_sets(str(folder), spec, ["one", "two"], keyed=False)
    assert [row.problem for batch in batches for row in batch.rows()] == [None, None]
    (inbox / beside).write_bytes(b"PAR1")
    with pytest.raises(SettingsError, match=rf"inbox: found cards\.csv and {beside}"):
        open_data_sets(str(folder), spec, ["one", "two"], keyed=False)
    (inbox / beside).unlink()
    (inbox / "two" / "cards.xlsx").write_bytes(b"PK")
    with pytest.raises(SettingsError, match=r"two/cards\.xlsx: \.xlsx files are not read"):
        open_data_sets(str(folder), spec, ["one", "two"], keyed=False)
    (inbox / "two" / "cards.xlsx").rename(inbox / "cards.xlsx")
    (inbox / "cards.csv").unlink()
    with pytest.raises(SettingsError, match=r"inbox/cards\.xlsx: \.xlsx files are not read"):
        open_data_sets(str(folder), spec, ["one", "two"], keyed=False)


def test_a_table_in_capitals_is_named(folder):
    (folder / "Labels.CSV").write_text(TABLE)
    refusal(folder).match(r"Found Labels\.CSV: rename it to labels\.csv")


def test_a_malformed_profile_refuses_the_table(folder, tmp_path):
    (folder / "photos.csv").write_text("file_name,card_id,captured_at\na.jpg,1,2024-03-01\n")
    (folder / "cards.csv").write_text(
        "card_id,date_of_birth,consent\n1,1990-03-01,yes\n2,1990-03-01,yes\n1,1990-03-01,no,\n"
    )
    with pytest.raises(SettingsError, match=r"cards\.csv: line 4: the row has 4 cells") as raised:
        list(open_data_set(str(folder)).rows())
    assert "1990" not in str(raised.value).replace(str(tmp_path), "")
