"""Profiles of loyalty cards: tables and databases give the same result."""

import sqlite3

import pandas as pd
import pytest

from customer_age.errors import SettingsError
from customer_age.labels.cards import profiles

ROWS = [
    ("4000-0001", "1990-03-01", "true", "2024-01-05"),
    ("4000-0002", "2004-02-29", "1", ""),
    ("4000-0002", "2004-02-29", "0", ""),
    ("4000-0003", "1950-12-31", "no", ""),
]
WANTED = {"4000-0001", "4000-0002", "4000-9999"}
FOUND = {
    "4000-0001": [{"date_of_birth": "1990-03-16", "consent": "true", "updated_at": "2024-01-05"}],
    "4000-0002": [
        {"date_of_birth": "2004-02-16", "consent": "1", "updated_at": ""},
        {"date_of_birth": "2004-02-16", "consent": "0", "updated_at": ""},
    ],
}
NAMES = ["card_id", "date_of_birth", "consent", "updated_at"]


def database(folder, rows=ROWS, names=NAMES, table="cards", number="TEXT"):
    path = folder / "crm.db"
    with sqlite3.connect(path) as connection:
        kinds = [number, *["TEXT"] * (len(names) - 1)]
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
        connection.execute(f"CREATE TABLE {table} ({columns})")
        marks = ", ".join("?" * len(names))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    return f"sqlite:///{path}"


def as_csv(folder):
    pd.DataFrame(ROWS, columns=NAMES).to_csv(folder / "profiles.csv", index=False)
    return str(folder / "profiles.csv")


def as_parquet(folder):
    pd.DataFrame(ROWS, columns=NAMES).to_parquet(folder / "profiles.parquet")
    return str(folder / "profiles.parquet")


@pytest.mark.parametrize("kind", [as_csv, as_parquet, database])
def test_profiles_of_some_cards(tmp_path, kind):
    opened = profiles.open_profiles(kind(tmp_path), profiles.COLUMNS)
    assert opened.of(WANTED) == FOUND
    assert opened.of(set()) == {}


def test_columns_and_the_table_of_a_database_can_be_set(tmp_path):
    names = ["number", "born", "agreed"]
    url = database(tmp_path, [row[:3] for row in ROWS], names, "customers")
    columns = {"person": "number", "date_of_birth": "born", "consent": "agreed"}
    opened = profiles.open_profiles(f"{url}#main.customers", columns)
    assert opened.of({"4000-0001"}) == {"4000-0001": [{**FOUND["4000-0001"][0], "updated_at": ""}]}


def test_numbers_are_found_in_a_column_of_numbers(tmp_path):
    url = database(tmp_path, [(number, *ROWS[0][1:]) for number in range(2000)], number="INTEGER")
    cards = {str(number) for number in range(1500)} | {"0007", "a card"}
    found = profiles.open_profiles(url, profiles.COLUMNS).of(cards)
    assert sorted(map(int, found)) == list(range(1500))


def test_whole_numbers_are_found_in_a_column_of_decimals(tmp_path):
    """As Oracle's NUMBER: the card is 4001, not 4001.0000000000."""
    url = database(tmp_path, [(4001, *ROWS[0][1:])], number="NUMERIC(38, 10)")
    found = profiles.open_profiles(url, profiles.COLUMNS).of({"4001", "4002"})
    assert found == {"4001": FOUND["4000-0001"]}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("sqlite:///{folder}/none/crm.db", "unable to open database file"),
        ("{url}#clients", "no table 'clients'"),
        ("sqlserver://host/crm", "Can't load plugin"),
        ("{folder}/cards.txt", "a table's name must end in .csv"),
        (
            "{folder}/cards.xlsx",
            r"\.xlsx files are not read: open it and save the sheet as cards\.csv",
        ),
        ("{folder}/cards.csv", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_one_line_without_a_card(tmp_path, where, said):
    url = database(tmp_path)
    with pytest.raises(SettingsError, match=said) as raised:
        opened = profiles.open_profiles(where.format(folder=tmp_path, url=url), profiles.COLUMNS)
        opened.of(WANTED)
    assert "\n" not in str(raised.value)
    assert "4000" not in str(raised.value).replace(str(tmp_path), "")


def test_a_missing_column_is_reported(tmp_path):
    url = database(tmp_path, [], ["card_id", "birthday", "consent"])
    with pytest.raises(SettingsError, match="no column 'date_of_birth'; there are: card_id, b"):
        profiles.open_profiles(url, profiles.COLUMNS).of(WANTED)
