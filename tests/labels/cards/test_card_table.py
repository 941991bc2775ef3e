"""The layout of a loyalty-card upload: ages are computed, and card numbers are never passed on."""

from datetime import datetime, timedelta, timezone

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import LabelSpec, open_data_set
from customer_age.schema.refusals import Reason

CARDS = {
    "4000-0001": ("1990-03-01", "true"),
    "4000-0002": ("2004-02-29", "1"),
    "4000-0003": ("1950-12-31", "no"),
    "4000-0004": ("once", "yes"),
    "4000-0005": ("2026-01-01", "yes"),
    "4000-0006": ("1899-01-01", "yes"),
}


def shown(name, card, captured_at="2024-03-01T10:15:00"):
    return f"{name},{card},{captured_at}"


@pytest.fixture
def upload(tmp_path, photo):
    """Write an upload: rows of `photos.csv`, and a separate photo for each."""

    def write(rows, cards=None):
        folder = tmp_path / "upload"
        folder.mkdir()
        for number, row in enumerate(rows):
            (folder / row.partition(",")[0]).write_bytes(photo(number))
        (folder / "photos.csv").write_text("\n".join(["file_name,card_id,captured_at", *rows]))
        profiles = [f"{card},{born},{yes}" for card, (born, yes) in (cards or CARDS).items()]
        table = "\n".join(["card_id,date_of_birth,consent", *profiles])
        (folder / "cards.csv").write_text(table)
        return folder

    return write


def test_the_layout_is_recognised_and_refuses_with_a_reason(upload):
    tomorrow = (datetime.now(timezone.utc) + timedelta(days=3)).isoformat()
    folder = upload(
        [
            shown("a.jpg", "4000-0001"),
            shown("b.jpg", "4000-0002", "2024-02-29 09:00"),
            shown("c.jpg", "4000-0003"),
            shown("d.jpg", "4000-0004"),
            shown("e.jpg", "4000-0005"),
            shown("f.jpg", "4000-9999"),
            shown("g.jpg", "4000-0001", "yesterday"),
            shown("h.jpg", "4000-0001", tomorrow),
        ]
    )
    data_set = open_data_set(str(folder), person_key="key")
    assert data_set.layout == "loyalty_card"
    found = {row.file_name: row.problem or row.age for row in data_set.rows()}
    assert found == {
        "a.jpg": "33.9590",
        "b.jpg": "20.0355",
        "c.jpg": Reason.NO_CONSENT,
        "d.jpg": Reason.BIRTH_UNKNOWN,
        "e.jpg": Reason.BORN_AFTER_CAPTURE,
        "f.jpg": Reason.CARD_UNKNOWN,
        "g.jpg": Reason.CAPTURE_UNKNOWN,
        "h.jpg": Reason.CAPTURED_IN_FUTURE,
    }


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ("4000-0001,1990-03-01,true", "33.9590"),
        ("4000-0001,1980-03-01,true", Reason.CARD_AMBIGUOUS),
        ("4000-0001,1990-03-01,no", Reason.CARD_AMBIGUOUS),
    ],
    ids=["the same", "another birth", "no consent"],
)
def test_profiles_that_contradict_each_other_give_no_age(upload, again, expected):
    folder = upload([shown("a.jpg", "4000-0001")])
    with (folder / "cards.csv").open("a") as table:
        table.write(f"\n{again}\n")
    [row] = open_data_set(str(folder)).rows()
    assert (row.problem or row.age) == expected


def test_a_stale_profile_gives_no_age(upload):
    folder = upload([shown(f"{number}.jpg", f"4000-000{number}") for number in (1, 2, 3)])
    (folder / "cards.csv").write_text(
        "card_id,date_of_birth,consent,updated_at\n"
        "4000-0001,1990-03-01,yes,2023-03-02\n"  # 365 days before the photo
        "4000-0002,1990-03-01,yes,2023-03-01T23:00\n"
        "4000-0003,1990-03-01,yes,\n"
    )
    cards = LabelSpec(max_profile_age_days=365)
    found = [row.problem for row in open_data_set(str(folder), cards).rows()]
    assert found == [None, Reason.PROFILE_STALE, None]
    assert not any(row.problem for row in open_data_set(str(folder)).rows())


def test_the_first_photos_of_a_card_shown_too_often_are_used(upload):
    rows = [shown("old.jpg", "4000-0003")]
    rows += [shown(f"{number}.jpg", f"4000-000{number % 2 + 1}") for number in range(5)]
    cards = LabelSpec(max_photos_per_card=2)
    folder = upload(rows)
    found = {
        row.file_name: row.problem
        for row in open_data_set(str(folder), cards, batch="monday").rows()
    }
    assert found.pop("old.jpg") == Reason.NO_CONSENT
    assert found == {f"{number}.jpg": None for number in range(4)} | {
        "4.jpg": Reason.TOO_MANY_OF_CARD
    }


def test_a_photo_named_after_its_card_is_shown_without_it(upload):
    folder = upload([shown("4000-0001_a.jpg", "4000-0001"), shown("4000_9999.jpg", "4000-9999")])
    good, unknown = open_data_set(str(folder), person_key="key").rows()
    assert good.file_name == f"{good.person[:12]}_a.jpg"
    assert good.photo == str(folder / "4000-0001_a.jpg")
    assert "9999" not in f"{unknown.file_name} {unknown.detail} {unknown.photo}"


def test_a_card_number_cannot_be_kept(upload):
    folder = upload([shown("a.jpg", "4000-0001")])
    with pytest.raises(SettingsError, match=r"^data.keep_columns: 'card_id' identifies a person"):
        open_data_set(str(folder), LabelSpec(keep_columns=("card_id",)))
    with pytest.raises(SettingsError, match=r"^data.keep_columns: 'born' is a date of birth"):
        columns = {"date_of_birth": "born"}
        (folder / "cards.csv").write_text("card_id,born,consent\n4000-0001,1990-03-01,yes")
        open_data_set(str(folder), LabelSpec(keep_columns=("born",), columns=columns))
    (folder / "cards.csv").write_text("card_id,date_of_birth,consent\n4000-0001,1990-03-01,yes")
    [row] = open_data_set(str(folder), LabelSpec(keep_columns=("captured_at",))).rows()
    assert row.extras == (("extra/captured_at", "2024-03-01T10:15:00"),)


def test_columns_can_have_the_shops_names(upload):
    folder = upload([shown("a.jpg", "4000-0001")])
    for table, ours, theirs in (
        ("photos.csv", "captured_at", "zeit"),
        ("cards.csv", "date_of_birth", "geburtstag"),
    ):
        file = folder / table
        file.write_text(file.read_text().replace(ours, theirs))
    with pytest.raises(SettingsError, match="no column 'captured_at'"):
        open_data_set(str(folder))
    named = {"captured_at": "zeit", "date_of_birth": "geburtstag"}
    [row] = open_data_set(str(folder), LabelSpec(columns=named)).rows()
    assert row.age == "33.9590"


def test_profiles_are_a_part_of_the_fingerprint(upload):
    folder = upload([shown("a.jpg", "4000-0001")])
    before = open_data_set(str(folder)).fingerprint()
    (folder / "cards.csv").write_text(
        (folder / "cards.csv").read_text().replace("1990-03-01", "1990-04-01")
    )
    assert open_data_set(str(folder)).fingerprint() != before


def test_only_its_cards_profiles_count_of_shared_ones(upload, tmp_path):
    folder = upload([shown("a.jpg", "4000-0001")])
    shared = tmp_path / "profiles.csv"
    (folder / "cards.csv").rename(shared)

    def fingerprint():
        cards = LabelSpec(profiles=str(shared))
        return open_data_set(str(folder), cards).fingerprint()

    before = fingerprint()
    with shared.open("a") as table:
        table.write("\n4000-0042,1990-03-01,yes\n")
    assert fingerprint() == before
    shared.write_text(shared.read_text().replace("1990-03-01,true", "1990-03-01,no"))
    assert fingerprint() != before
