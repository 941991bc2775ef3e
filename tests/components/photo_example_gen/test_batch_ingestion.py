"""The base set and batches: ingested once, put together for each run."""

import json
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from customer_age.components.photo_example_gen import beam_pipeline
from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms, tombstones
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading

CARDS = {f"4000-{number:04}": f"{1950 + number}-05-17" for number in range(40)}
BASE = 24


def card(number):
    return f"4000-{number:04}"


def batch_rows(shown, first, count=12):
    return [
        shown(f"{number}.jpg", card(number), f"2024-0{1 + number % 9}-11")
        for number in range(first, first + count)
    ]


@pytest.fixture
def base(hand_out, photo):
    return hand_out([(f"{number:06d}.jpg", 20 + number, photo(number)) for number in range(BASE)])


@pytest.fixture
def inbox(tmp_path, profiles_table):
    """An inbox with profiles that all batches share."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    profiles_table(folder, CARDS)
    return folder


@pytest.fixture
def learn(base, inbox, tmp_path, ingest, monkeypatch):
    """Ingest the base set and some batches, and count the photos that were decoded for it."""
    runs = iter(range(100))
    decoded = []  # several threads append to it
    make = beam_pipeline.examples.make

    def counted(row, *how):
        decoded.append(row.batch or "base")
        return make(row, *how)

    monkeypatch.setattr(beam_pipeline.examples, "make", counted)

    def run(*batches, **parameters):
        decoded.clear()
        parameters = {
            "inbox": str(inbox),
            "batches": ",".join(batches),
            "batch_cache": str(tmp_path / "cache"),
            **parameters,
        }
        folder = tmp_path / f"run {next(runs)}"
        folder.mkdir()
        return ingest(base, folder / "examples", **parameters), Counter(decoded)

    return run


def value(example, name):
    (found,) = example.features.feature[name].bytes_list.value
    return found.decode()


def every_example(result):
    return [
        (split, example)
        for split in ("train", "valid", "test")
        for example in result.records(split)
    ]


def splits_of_persons(*results):
    found = defaultdict(set)
    for result in results:
        for split, example in every_example(result):
            if value(example, "person"):
                found[value(example, "person")].add(split)
    return found


def test_the_lineage_names_the_batches_of_the_window(learn, base, inbox, batch, shown, tmp_path):
    batch(inbox, "monday", batch_rows(shown, 0))
    batch(inbox, "tuesday", batch_rows(shown, 8))
    artifact = learn("monday", "tuesday")[0].data_set
    record = json.loads(Path(artifact.uri, "data_set.json").read_text())
    read = [(each["name"], each["tables"], each["rows"]) for each in record["read"]]
    assert read == [
        ("", ["labels.csv"], BASE),
        ("monday", ["photos.csv"], 12),
        ("tuesday", ["photos.csv"], 12),
    ]
    assert artifact.get_string_custom_property("batches") == "monday,tuesday"
    window = ("data.batches=[monday,tuesday]", f"data.inbox={inbox}", f"work_dir={tmp_path}/work")
    submitted = loading.load("local", window, data__path=str(base))
    assert record["fingerprint"] == preflight.data_fingerprint(submitted, runs_here=False)


def test_what_was_ingested_is_not_decoded_again(learn, inbox, batch, shown):
    batch(inbox, "monday", batch_rows(shown, 0))
    batch(inbox, "tuesday", batch_rows(shown, 8))
    first, decoded = learn("monday")
    assert decoded == {"base": BASE, "monday": 12}
    second, decoded = learn("monday", "tuesday")
    assert decoded == {"tuesday": 12}
    third, decoded = learn("tuesday")
    assert decoded == {}
    for result, batches in ((first, 1), (second, 2), (third, 1)):
        rows = BASE + 12 * batches
        assert result.summary["rows"] == sum(result.summary["photos"].values()) == rows
        assert len(every_example(result)) == rows
    by_batch = second.summary["batches"]
    assert {name: each["new"] for name, each in by_batch.items()} == {
        "base": False,
        "monday": False,
        "tuesday": True,
    }
    assert sum(by_batch["tuesday"]["age_groups"].values()) == 12
    assert Counter(value(example, "batch") for _, example in every_example(second)) == {
        "": BASE,
        "monday": 12,
        "tuesday": 12,
    }


def test_examples_of_batches_are_those_of_one_data_set(learn, inbox, batch, shown):
    batch(inbox, "monday", batch_rows(shown, 0))
    alone, _ = learn()
    together, _ = learn("monday")
    assert "batches" not in alone.summary
    there = together.by_name()
    for name, (split, example) in alone.by_name().items():
        assert there[name] == (split, example)


def test_nobody_is_in_two_splits_after_any_number_of_runs(learn, inbox, batch, shown):
    names = [f"day-{number}" for number in range(5)]
    for number, name in enumerate(names):
        batch(inbox, name, batch_rows(shown, 5 * number))  # each shares people with its neighbours
    results = [learn(*names[max(0, last - 3) : last])[0] for last in range(1, 6)]
    persons = splits_of_persons(*results)
    assert len(persons) == 32
    assert all(len(found) == 1 for found in persons.values())
    splits = defaultdict(set)
    for result in results:
        for split, example in every_example(result):
            splits[value(example, "batch"), value(example, "file_name")].add(split)
    assert all(len(found) == 1 for found in splits.values())


def test_official_splits_of_the_base_set_win(learn, base, inbox, batch, shown):
    labels = (base / "labels.csv").read_text().splitlines()
    official = ["train", "valid", "test"]
    rows = [f"{row},{card(n)},{official[n % 3]}" for n, row in enumerate(labels[1:])]
    (base / "labels.csv").write_text("\n".join([f"{labels[0]},person,split", *rows]))
    batch(inbox, "monday", batch_rows(shown, 0))
    for result in (learn("monday")[0], learn("monday")[0]):
        found = splits_of_persons(result)
        for number in range(BASE):
            hashed = pseudonyms.pseudonym(card(number), "a key of persons, for tests")
            assert found[hashed] == {official[number % 3]}
        assert len(every_example(result)) == BASE + 12


def test_a_photo_in_several_batches_is_used_once(learn, base, inbox, batch, shown, photo):
    known = (base / "final_files" / "000003.jpg").read_bytes()  # 23 years old
    again = photo(1001)
    batch(
        inbox,
        "monday",
        [
            *batch_rows(shown, 0, 6),
            shown("known.jpg", card(30), "2003-06-01", known),  # 23.04 years old
            shown("own.jpg", card(31), "2004-05-17", again),
        ],
    )
    batch(inbox, "tuesday", [shown("own.jpg", card(31), "2004-05-17", again)])
    batch(inbox, "wednesday", [shown("other.jpg", card(31), "2014-05-17", again)])
    result, _ = learn("monday", "tuesday")
    assert result.summary["refused"] == {"duplicate": 2}
    assert [(row["table"], row["file_name"]) for row in result.refused] == [
        ("monday/photos.csv", "known.jpg"),
        ("tuesday/photos.csv", "own.jpg"),
    ]
    assert "000003.jpg in labels.csv, line 5, which is kept" in result.refused[0]["detail"]
    assert len(every_example(result)) == BASE + 7
    result, decoded = learn("monday", "wednesday")
    assert decoded == {"wednesday": 1}
    assert result.summary["refused"] == {"duplicate": 1, "same_photo_other_age": 2}
    assert len(every_example(result)) == BASE + 6


def test_refused_rows_of_all_batches_are_counted_and_listed(learn, inbox, batch, shown):
    rows = [*batch_rows(shown, 0, 4), shown("x.jpg", "4000-9999"), shown("b.jpg", card(1), "1900")]
    for name in ("monday", "tuesday"):
        batch(inbox, name, rows[:-1] if name == "monday" else rows)
    result, _ = learn("monday", "tuesday")
    assert result.summary["rows"] == BASE + 5 + 6
    assert result.summary["refused"] == {"capture_unknown": 1, "card_unknown": 2}
    assert [(row["table"], row["line"]) for row in result.refused] == [
        ("monday/photos.csv", "6"),
        ("tuesday/photos.csv", "6"),
        ("tuesday/photos.csv", "7"),
    ]
    assert result.summary["batches"]["tuesday"]["refused"] == {
        "capture_unknown": 1,
        "card_unknown": 1,
    }


def test_a_consent_that_is_withdrawn_counts_in_every_batch(learn, inbox, batch, shown):
    for name in ("monday", "tuesday"):
        batch(inbox, name, batch_rows(shown, 0, 4))
    batch(inbox, "wednesday", batch_rows(shown, 10, 4))
    learn("monday", "tuesday", "wednesday")
    cards = inbox / "cards.csv"
    cards.write_text(
        cards.read_text().replace(f"{card(2)},1952-05-17,yes", f"{card(2)},1952-05-17,no")
    )
    result, decoded = learn("monday", "tuesday", "wednesday")
    assert result.summary["refused"] == {"no_consent": 2}
    assert decoded == {"monday": 3, "tuesday": 3}


def test_a_changed_batch_is_ingested_again(learn, inbox, batch, shown, photo):
    folder = batch(inbox, "monday", batch_rows(shown, 0))
    learn("monday")
    (folder / "photos" / "3.jpg").write_bytes(photo(777, (80, 80)))
    _, decoded = learn("monday")
    assert decoded == {"monday": 12}
    _, decoded = learn("monday", stored_size=32)
    assert decoded == {"base": BASE, "monday": 12}


def test_a_killed_ingestion_leaves_no_batch(learn, inbox, batch, shown, tmp_path):
    batch(inbox, "monday", batch_rows(shown, 0))
    learn("monday")
    for manifest in (tmp_path / "cache").glob("*/piece.json"):
        manifest.unlink()  # what a kill leaves: all but the last file
    result, decoded = learn("monday")
    assert decoded == {"base": BASE, "monday": 12}
    assert len(every_example(result)) == BASE + 12


@pytest.mark.parametrize("gone", ["Split-*/*.gz", "entries.jsonl", "refused.csv"])
def test_a_batch_deleted_from_the_cache_is_ingested_again(
    learn, inbox, batch, shown, tmp_path, gone
):
    batch(inbox, "monday", batch_rows(shown, 0))
    whole, _ = learn("monday")
    for file in (tmp_path / "cache").glob(f"*/*/{gone}"):
        file.unlink()
    again, decoded = learn("monday")
    assert decoded == {"base": BASE, "monday": 12}
    assert sorted(str(each) for each in every_example(again)) == sorted(
        str(each) for each in every_example(whole)
    )


def test_examples_are_complete_in_themselves(learn, inbox, batch, shown, tmp_path):
    batch(inbox, "monday", batch_rows(shown, 0))
    result, _ = learn("monday")
    before = result.by_name()
    shutil.rmtree(tmp_path / "cache")
    assert result.by_name() == before
    assert {path.name for path in result.uri.iterdir()} == {
        "Split-train",
        "Split-valid",
        "Split-test",
        "ingestion.json",
        "refused.csv",
    }
    names = [path.name for path in result.uri.glob("Split-train/*")]
    assert all(name.endswith("-of-00002.gz") for name in names)


def test_forgotten_persons_are_refused_and_never_decoded(learn, inbox, batch, shown):
    key = "a key of persons, for tests"
    batch(inbox, "monday", batch_rows(shown, 0, 6))
    batch(inbox, "tuesday", batch_rows(shown, 3, 6))
    learn("monday")
    hashed = pseudonyms.pseudonym(card(4), key)
    tombstones.write_person(str(inbox), hashed, key)
    result, decoded = learn("monday", "tuesday")
    # The cache still holds monday's photo: it is left out of the run all the same.
    assert decoded == {"tuesday": 5}
    assert result.summary["refused"] == {"forgotten": 2}
    assert hashed not in splits_of_persons(result)
    assert len(every_example(result)) == BASE + 10


def test_photos_from_before_a_day_are_forgotten(learn, inbox, batch, shown):
    from datetime import date

    batch(inbox, "monday", batch_rows(shown, 0, 9))  # one a month, from January
    learn("monday")
    tombstones.write_captured_before(str(inbox), date(2024, 4, 11))
    tombstones.write_captured_before(str(inbox), date(2020, 1, 1))  # the later day stays
    result, decoded = learn("monday")
    assert decoded == {}
    assert result.summary["refused"] == {"forgotten": 3}


def test_tombstones_of_another_key_stop_the_run(learn, inbox, batch, shown):
    batch(inbox, "monday", batch_rows(shown, 0, 6))
    tombstones.write_person(str(inbox), "0" * 32, "another key of persons")
    with pytest.raises(SettingsError, match="not the key that the tombstones"):
        learn("monday")


@pytest.mark.parametrize(
    ("batches", "sentence"),
    [
        ("sunday", "there is no such batch"),
        ("half", "not complete: _SUCCESS, which is written last, is missing"),
        ("../elsewhere", "is not a valid batch name"),
        ("tableless", "no label table; expected photos.csv and cards.csv"),
    ],
)
def test_an_invalid_batch_is_reported_in_one_line(learn, inbox, batch, shown, batches, sentence):
    (batch(inbox, "half", batch_rows(shown, 0, 3)) / "_SUCCESS").unlink()
    (batch(inbox, "tableless", batch_rows(shown, 0, 3)) / "photos.csv").unlink()
    with pytest.raises(SettingsError, match=sentence) as error:
        learn(batches)
    assert "\n" not in str(error.value)


def test_persons_without_a_key_stop_the_run(learn, inbox, batch, shown, tmp_path):
    batch(inbox, "monday", batch_rows(shown, 0, 3))
    with pytest.raises(SettingsError, match=r"^data.person_key_file: .*/none: No such file"):
        learn("monday", person_key_file=str(tmp_path / "none"))


def test_an_empty_batch_adds_nothing(learn, inbox, batch, shown):
    batch(inbox, "monday", [])
    result, _ = learn("monday")
    assert result.summary["batches"]["monday"]["rows"] == 0
    assert len(every_example(result)) == BASE


def test_another_key_assigns_persons_again_and_ingests_again(learn, inbox, batch, shown, tmp_path):
    batch(inbox, "monday", batch_rows(shown, 0, 6))
    one, _ = learn("monday")
    other_key = tmp_path / "other.key"
    pseudonyms.make(str(other_key))
    other, decoded = learn("monday", person_key_file=str(other_key))
    assert decoded == {"monday": 6}  # the base set names nobody
    assert not set(splits_of_persons(one)) & set(splits_of_persons(other))


def test_no_card_number_and_no_date_of_birth_reaches_a_file(learn, inbox, batch, shown, tmp_path):
    rows = [shown(f"{card(n)}_{n}.jpg", card(n)) for n in range(6)]
    batch(inbox, "monday", [*rows, shown("4000-9999.jpg", "4000-9999")])
    result, _ = learn("monday")
    assert json.loads((result.uri / "ingestion.json").read_text())["refused"] == {"card_unknown": 1}
    for folder in (result.uri, tmp_path / "cache"):
        for file in folder.rglob("*"):
            if file.is_file():
                content = file.read_bytes()  # shards are stored, not compressed
                for secret in (*CARDS, *CARDS.values()):
                    assert secret.encode() not in content, file


def test_profiles_can_be_in_a_database(learn, inbox, batch, shown, tmp_path):
    import sqlite3

    (inbox / "cards.csv").unlink()
    with sqlite3.connect(tmp_path / "crm.db") as database:
        database.execute("CREATE TABLE cards (card_id TEXT, date_of_birth DATE, consent BOOLEAN)")
        rows = [(number, born, number != card(2)) for number, born in CARDS.items()]
        database.executemany("INSERT INTO cards VALUES (?, ?, ?)", rows)
    batch(inbox, "monday", batch_rows(shown, 0, 6))
    result, _ = learn("monday", profiles=f"sqlite:///{tmp_path / 'crm.db'}")
    assert result.summary["refused"] == {"no_consent": 1}
    assert Path(result.uri).is_dir()
