"""`forget`: nothing of the subject is left, and no later batch adds it again."""

import csv
import hashlib
import json
from datetime import date
from unittest import mock

import pytest
import tensorflow as tf

from customer_age.components.photo_example_gen.batch_cache import BatchCache
from customer_age.errors import NothingFound, RunError, SettingsError
from customer_age.files import content_digests
from customer_age.labels import pseudonyms, tombstones
from customer_age.pipeline.forgetting import erasure, run_artifacts, trained_versions, uploads
from customer_age.pipeline.forgetting.findings import Counts
from customer_age.pipeline.forgetting.subject import Card, OlderThan

CARD = "4000-0007"
NAMES = [f"{CARD}_{batch}.jpg" for batch in ("2024-03", "2025-03")]


def card(settings, number=CARD):
    return Card(number, erasure.person_key(settings))


def examples(uri):
    """Batch and person of each example, with its stored photo."""
    found = {}
    for file in sorted(uri.glob("Split-*/*.gz")):
        for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            batch, person, photo = (
                feature[name].bytes_list.value[0] for name in ("batch", "person", "image/encoded")
            )
            found[batch.decode(), person.decode() or len(found)] = photo
    return found


def needles(settings, inbox, uri):
    """All names and numbers that could identify the person."""
    photos = [(inbox / name[10:17] / "photos" / name).read_bytes() for name in NAMES]
    person = pseudonyms.pseudonym(CARD, erasure.person_key(settings))
    stored = [photo for (_, who), photo in examples(uri).items() if who == person]
    assert len(stored) == len(photos) == 2
    sought = {"card": CARD.encode(), "digits": b"40000007", "person": person.encode()}
    for number, (photo, example) in enumerate(zip(photos, stored, strict=True)):
        digest = hashlib.sha256(photo)
        sought |= {
            f"photo {number}": photo,
            f"stored photo {number}": example,
            f"digest {number}": digest.hexdigest().encode(),
            f"digest as bytes {number}": digest.digest(),
            f"MD5 {number}": hashlib.md5(photo).hexdigest().encode(),
        }
    return sought


def state(*folders):
    return {
        str(file): file.read_bytes()
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


@pytest.fixture(autouse=True)
def all_digests_are_remembered(monkeypatch):
    """Remember digests also of photos that were just written, as in a test."""
    monkeypatch.setattr(content_digests, "_SETTLED_NS", 0)


@pytest.fixture
def trained(settings, ingest):
    """The settings of a run with both batches, and its examples."""
    chosen = settings("2024-03", "2025-03")
    return chosen, ingest(chosen)


def test_of_a_forgotten_card_nothing_is_left(
    trained, inbox, tmp_path, search, ingest, settings, batch, shown
):
    chosen, uri = trained
    sought = needles(chosen, inbox, uri)
    places = (tmp_path / "work", inbox)
    before = search(sought, *places)
    assert set(before) >= {"card", "person", "photo 0", "stored photo 0", "digest 0", "MD5 0"}
    others = set(examples(uri).values()) - set(sought.values())

    counts = erasure.forget(chosen, card(chosen)).counts
    assert counts == Counts(photos=2, rows=3, cached_batches=2, artifacts=1, examples=4)
    left = search(sought, *places)
    person = sought["person"].decode()
    assert left == {"person": [inbox / "_forgotten" / person]}

    batch(inbox, "2026-03", [shown("back.jpg", CARD), shown("other.jpg", "4000-0030")])
    again = (inbox / "2026-03" / "photos" / "back.jpg").read_bytes()
    uri = ingest(settings("2024-03", "2025-03", "2026-03"))
    with (uri / "refused.csv").open(newline="") as file:
        refused = [(row["table"], row["file_name"], row["reason"]) for row in csv.DictReader(file)]
    assert refused == [("2026-03/photos.csv", "back.jpg", "forgotten")]
    kept = examples(uri)
    assert set(kept.values()) > others
    assert len(kept) == 24 + 24 - 2 + 1
    del sought["card"], sought["digits"]  # the new batch in the inbox still has them
    assert search(sought, *places) == {"person": [inbox / "_forgotten" / person]}
    assert not search({"again": again, "stored": hashlib.sha256(again).digest()}, places[0])


def test_tfx_reuses_nothing_that_was_forgotten(trained, ingest):
    chosen, uri = trained
    assert ingest(chosen) == uri
    erasure.forget(chosen, card(chosen))
    assert not uri.exists()
    assert ingest(chosen) != uri


def test_a_dry_run_changes_nothing(trained, inbox, tmp_path):
    chosen, _ = trained
    before = state(inbox, tmp_path / "work")
    planned = erasure.forget(chosen, card(chosen), dry_run=True).counts
    assert state(inbox, tmp_path / "work") == before
    assert erasure.forget(chosen, card(chosen)).counts == planned


def test_photos_from_before_a_day_are_erased(trained, inbox, ingest, settings, batch, shown):
    chosen, uri = trained
    counts = erasure.forget(chosen, OlderThan(date(2024, 3, 4))).counts
    assert counts == Counts(photos=3, rows=3, cached_batches=1, artifacts=1, examples=6)
    assert not uri.exists()
    assert len(list((inbox / "2024-03" / "photos").iterdir())) == 9
    assert len((inbox / "cards.csv").read_text().splitlines()) == 41, "a profile stays"
    batch(inbox, "2026-03", [shown("old.jpg", "4000-0030", "2024-03-03")])
    kept = examples(ingest(settings("2024-03", "2025-03", "2026-03")))
    assert len(kept) == 24 + 24 - 3


def test_an_unknown_person_is_reported_and_nothing_is_written(trained, inbox, tmp_path):
    chosen, _ = trained
    before = state(inbox, tmp_path / "work")
    for dry_run in (True, False):
        with pytest.raises(NothingFound, match="this card is in no batch") as refused:
            erasure.forget(chosen, card(chosen, "4000-7777"), dry_run=dry_run)
        assert "7777" not in str(refused.value)
        assert refused.value.exit_code == 5
    assert state(inbox, tmp_path / "work") == before
    assert not (inbox / "_forgotten").exists()


@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (run_artifacts, "mark_deleted"),
        (erasure.store, "delete"),
        (BatchCache, "discard"),
        (uploads.Rows, "erase_photos"),
        (uploads.Rows, "erase_rows"),
    ],
)
def test_a_forget_that_was_killed_is_called_again(
    trained, inbox, tmp_path, search, monkeypatch, owner, step
):
    chosen, uri = trained
    sought = needles(chosen, inbox, uri)
    done = []
    real = getattr(owner, step)

    def killed(*arguments, **options):
        if done:
            raise KeyboardInterrupt  # the second of several, so that the work is half done
        done.append(step)
        if step in ("mark_deleted", "delete"):
            raise KeyboardInterrupt
        return real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, killed)
        with pytest.raises(KeyboardInterrupt):
            erasure.forget(chosen, card(chosen))
    assert tombstones.read(str(inbox)).persons, "from its first moment on, no run learns from it"
    done = erasure.forget(chosen, card(chosen))
    assert set(search(sought, tmp_path / "work", inbox)) == {"person"}
    [file] = (tmp_path / "work" / "certificates").iterdir()
    content = json.loads(file.read_bytes())
    assert content["ended"] == done.certificate.ended
    assert content["batches"] == ["2024-03", "2025-03"]
    assert content["erased"]["photos"] == 2


def test_files_of_a_killed_ingestion_are_erased(trained, tmp_path):
    chosen, _ = trained
    leftover = tmp_path / "work" / "batch_cache" / ("c" * 32) / ("d" * 32) / "Split-train"
    leftover.mkdir(parents=True)
    (leftover / "shard.gz").write_bytes(b"who knows")
    erasure.forget(chosen, card(chosen))
    assert not (leftover / "shard.gz").exists()


def test_an_unreadable_table_is_reported_and_the_rest_is_erased(trained, inbox, tmp_path, search):
    chosen, _ = trained
    broken = inbox / "2025-03"
    whole = (broken / "photos.csv").read_bytes()
    (broken / "photos.csv").write_bytes(b"\xff\xfe\x00broken")
    counts = erasure.forget(chosen, card(chosen)).counts
    assert counts.photos == 1
    [unread] = counts.unread
    assert unread.startswith(f"{broken / 'photos.csv'}: ")
    (broken / "photos.csv").write_bytes(whole)
    assert erasure.forget(chosen, card(chosen)).counts == Counts(1, 1, 0, 0, 0)
    assert not search({"card": CARD.encode()}, inbox, tmp_path / "work")


def test_a_base_set_of_cards_is_erased_from_too(settings, inbox, tmp_path, ingest, search):
    chosen = settings(data__path=str(inbox / "2024-03"), data__profiles=str(inbox / "cards.csv"))
    uri = ingest(chosen)
    person = pseudonyms.pseudonym(CARD, erasure.person_key(chosen)).encode()
    assert search({"person": person}, uri)
    erasure.forget(chosen, card(chosen))
    assert not search({"card": CARD.encode()}, inbox, tmp_path / "work")
    assert not search({"person": person}, ingest(chosen))


def test_an_audit_line_is_kept_without_the_card(trained, tmp_path):
    chosen, _ = trained
    erasure.forget(chosen, card(chosen))
    erasure.forget(chosen, OlderThan(date(2020, 1, 1)))
    text = (tmp_path / "work" / "forgotten.jsonl").read_text()
    first, second = map(json.loads, text.splitlines())
    assert first["forgotten"] == "card"
    assert (first["photos"], first["rows"]) == (2, 3)
    assert second["forgotten"] == "captured before 2020-01-01"
    assert CARD not in text


def test_it_needs_an_inbox_and_its_own_key(settings, tmp_path):
    with pytest.raises(SettingsError, match=r"^data.inbox: not set"):
        chosen = settings(data__inbox=None)
        erasure.forget(chosen, card(chosen))
    chosen = settings()
    erasure.forget(chosen, card(chosen))
    other = tmp_path / "other.key"
    other.write_text("another key of persons")
    chosen = settings(data__person_key_file=str(other))
    with pytest.raises(SettingsError, match="not the key that the tombstones"):
        erasure.forget(chosen, card(chosen))


def test_a_registry_that_fails_keeps_no_photo_and_the_next_call_goes_on(
    settings, inbox, tmp_path, monkeypatch
):
    chosen = settings()

    def fails(registry, batches):
        raise RunError("the registry is away")

    with monkeypatch.context() as patched:
        patched.setattr(trained_versions, "trained_on", fails)
        done = erasure.forget(chosen, card(chosen))
    assert done.counts.photos == 2
    assert not list(inbox.rglob(f"{CARD}*"))
    assert done.counts.unread == (
        "registry.uri: the versions trained on the subject are not known: the registry is away",
    )
    assert done.certificate.ended == ""
    found = []
    known = "trained_on"
    monkeypatch.setattr(trained_versions, known, lambda _, batches: found.append(batches) or [])
    done = erasure.forget(chosen, card(chosen))
    assert found == [{"2024-03", "2025-03"}]
    assert done.certificate.ended
    assert len(list((tmp_path / "work" / "certificates").iterdir())) == 1


def test_all_is_erased_before_a_missing_version_is_reported(settings, inbox, tmp_path, monkeypatch):
    chosen = settings()

    def fails(registry, trained):
        raise RunError("--now: every version")

    monkeypatch.setattr(trained_versions, "roll_back", fails)
    monkeypatch.setattr(
        trained_versions, "registry_of", lambda _: mock.Mock(versions=list, champion=lambda: None)
    )
    with pytest.raises(RunError, match="--now: every version"):
        erasure.forget(chosen, card(chosen), now=True)
    assert not list(inbox.rglob(f"{CARD}*"))
    [file] = (tmp_path / "work" / "certificates").iterdir()
    assert json.loads(file.read_bytes())["ended"]
