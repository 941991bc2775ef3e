"""`check-data` reports the same as a run."""

import json
import shutil

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import COMPLETE
from customer_age.pipeline.data_check.check import check
from customer_age.pipeline.settings import loading


@pytest.fixture
def settings(tmp_path):
    def of(data, *overrides, **arguments):
        return loading.load(
            "local", overrides, data__path=str(data), work_dir=str(tmp_path / "work"), **arguments
        )

    return of


@pytest.fixture
def inbox(batch, shown, tmp_path):
    """An inbox with a batch of nine cards; their numbers and birthdays are secret."""
    rows = [shown(f"4000-111{number % 9}_{number}.jpg", f"4000-111{number % 9}") for number in
            range(27)]  # fmt: skip
    rows.append(shown("4000-9999.jpg", "4000-9999"))
    cards = {f"4000-111{number}": f"19{50 + 5 * number}-04-07" for number in range(9)}
    batch(tmp_path / "inbox", "monday", rows, cards)
    return tmp_path / "inbox"


def test_a_hand_out_is_described(hand_out, photo, settings):
    rows = [(f"{number}.jpg", 20 + number, photo(number)) for number in range(8)]
    rows += [
        ("old.jpg", "old", photo(8)),
        ("gone.jpg", 30, None),
        ("0.jpg", 21, None),
        ("1.jpg", 21, None),
    ]
    report = check(settings(hand_out(rows)))
    [data_set] = report.data_sets
    assert (data_set.layout, data_set.rows, data_set.photos) == ("hand_out", 12, 7)
    [table] = data_set.tables
    assert table.dialect() == "text in UTF-8, cells separated by commas"
    assert dict(table.columns).keys() == {"file_name", "real_age"}
    assert report.refused == {
        "same_name_other_age": 2, "age_not_a_number": 1, "duplicate": 1, "file_missing": 1,
    }  # fmt: skip
    first = {reason: [each.line for each in rows] for reason, rows in report.first_refused.items()}
    assert first == {
        "same_name_other_age": [2, 12], "age_not_a_number": [10], "file_missing": [11],
        "duplicate": [13],
    }  # fmt: skip
    assert (report.ages.youngest, report.ages.quartiles, report.ages.oldest) == (
        21, (22, 24, 25), 27,
    )  # fmt: skip
    assert sum(report.ages.groups.values()) == report.photos == 7
    assert report.people is None
    assert report.splits_are == "estimated"
    assert [sentence.partition(" (")[0] for sentence in report.stops] == [
        "1 row without a usable age", "4 of 12 rows refused",
    ]  # fmt: skip


def test_splits_are_official_if_the_data_set_has_its_own(tmp_path, photo, settings):
    for seed, split in enumerate(("train", "valid", "test")):
        (tmp_path / "data" / split).mkdir(parents=True)
        (tmp_path / "data" / split / "a.jpg").write_bytes(photo(seed))
        table = f"file_name,real_age\na.jpg,{30 + seed}\n"
        (tmp_path / "data" / f"gt_avg_{split}.csv").write_text(table)
    report = check(settings(tmp_path / "data"))
    assert report.data_sets[0].layout == "appa_real"
    assert report.splits == {"train": 1, "valid": 1, "test": 1}
    assert (report.splits_are, report.stops) == ("official", ())


def test_a_split_without_photos_stops_a_run(tmp_path, photo, settings):
    for seed, split in enumerate(("train", "valid", "test")):
        (tmp_path / "data" / split).mkdir(parents=True)
        (tmp_path / "data" / split / "a.jpg").write_bytes(photo(seed))
        name = "a.jpg" if split != "test" else "b.jpg"
        table = f"file_name,real_age\n{name},30\n"
        (tmp_path / "data" / f"gt_avg_{split}.csv").write_text(table)
    [stop] = check(settings(tmp_path / "data")).stops
    assert stop.startswith("there is no photo in split test, from 3 rows. Refused: 1 file_missing.")


def test_a_person_is_in_one_split(inbox, photo, settings, tmp_path):
    """In the data set and in batches: the refused rows, and the splits of the others."""
    base = tmp_path / "data"
    base.mkdir()
    lines = ["file_name,real_age,person,split"]
    for number, (card, split) in enumerate(
        [("4000-1111", "test"), ("4000-1111", "train"), ("else", "train"), ("other", "valid")]
    ):
        (base / f"{number}.jpg").write_bytes(photo(number))
        lines.append(f"{number}.jpg,30,{card},{split}")
    (base / "labels.csv").write_text("\n".join(lines))
    report = check(settings(base))
    assert report.refused == {"person_in_two_splits": 1}
    assert (report.splits, report.splits_are) == ({"train": 1, "valid": 1, "test": 1}, "official")
    [refusal] = report.first_refused["person_in_two_splits"]
    assert (refusal.line, refusal.detail) == (
        3, "the person is also in the official split test",
    )  # fmt: skip
    assert report.data_sets[0].photos == 3
    with_batch = check(settings(base, "data.batches=[monday]", data__inbox=str(inbox)))
    assert with_batch.splits_are == "estimated"
    assert with_batch.photos == 3 + 27


def test_opened_photos_have_the_same_splits_as_in_a_run(hand_out, photo, settings):
    rows = [(f"{number}.jpg", 30, photo(number)) for number in range(20)]
    rows += [("broken.jpg", 30, b"none"), ("broken too.jpg", 60, b"none")]
    rows += [("copy.jpg", 30, photo(3))]
    report = check(settings(hand_out(rows)), open_photos=True)
    assert report.refused == {"not_an_image": 2, "duplicate": 1}
    assert report.splits_are == "dealt"
    assert sum(report.splits.values()) == report.photos == 20


def test_a_batch_is_read_as_part_of_the_inbox(inbox, settings):
    report = check(
        settings(f"{inbox}/monday/", "data.max_photos_per_card=2", data__inbox=f"{inbox}/")
    )
    [data_set] = report.data_sets
    assert (data_set.batch, data_set.layout) == ("monday", "loyalty_card")
    assert [table.name for table in data_set.tables] == ["photos.csv", "cards.csv"]
    assert report.refused == {"too_many_of_card": 9, "card_unknown": 1}
    assert (report.photos, report.people, report.splits_are) == (18, 9, "estimated")


def test_an_incomplete_batch_is_refused_as_in_a_run(inbox, settings):
    (inbox / "monday" / COMPLETE).unlink()
    with pytest.raises(SettingsError, match="not complete"):
        check(settings(inbox / "monday", data__inbox=str(inbox)))


def test_batches_are_read_with_the_data_set(inbox, hand_out, photo, settings):
    base = hand_out([("a.jpg", 30, photo(1)), ("b.jpg", 40, photo(2))])
    report = check(settings(base, "data.batches=[monday]", data__inbox=str(inbox)))
    assert [each.photos for each in report.data_sets] == [2, 27]
    assert (report.rows, report.photos) == (30, 29)


def test_with_the_run_s_key_people_have_the_same_splits_as_in_a_run(inbox, settings, person_key):
    key = person_key(inbox.parent)
    report = check(
        settings(inbox / "monday", f"data.person_key_file={key}", data__inbox=str(inbox))
    )
    assert report.splits_are == "dealt"
    assert all(number % 3 == 0 for number in report.splits.values()), "a person's photos together"


def test_no_card_and_no_birthday_is_reported(inbox, settings, tmp_path):
    loaded = settings(inbox / "monday", data__inbox=str(inbox))
    text = json.dumps(check(loaded).as_json())
    # Whole numbers and years with months: a random name may contain a few of their digits.
    cards = [*(f"4000-111{number}" for number in range(9)), "4000-9999"]
    birthdays = [f"19{50 + 5 * number}-04" for number in range(9)]
    for secret in (*cards, *(card.replace("-", "") for card in cards), *birthdays):
        assert secret not in text
    other = json.dumps(check(loaded).as_json())
    assert text != other, "without the run's key, a card's hash differs each time"
    assert not (tmp_path / "work").exists(), "nothing is written"


def test_a_bucket_is_read_like_a_folder(
    s3_endpoint, aws_credentials, hand_out, photo, settings, tmp_path
):
    import boto3

    folder = hand_out([(f"{number}.jpg", 30 + number, photo(number)) for number in range(4)])
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="shop")
    for file in folder.rglob("*.*"):
        client.upload_file(str(file), "shop", f"data/{file.relative_to(folder)}")
    here, there = (
        check(settings(where), open_photos=True).as_json()
        for where in (folder, f"s3://shop/data?endpoint={s3_endpoint}")
    )
    assert there["data_sets"][0].pop("folder") == "s3://shop/data"
    here["data_sets"][0].pop("folder")
    assert here == there
    shutil.rmtree(folder)
