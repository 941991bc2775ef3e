"""The cache of batches: what counts, what does not, and two that write at once."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customer_age.components.artifacts.ingestion import REFUSED_FILE, write_refused
from customer_age.components.photo_example_gen import beam_pipeline, examples, tfrecord_shards
from customer_age.components.photo_example_gen.batch_cache import BatchCache, index
from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.errors import RunError
from customer_age.labels import open_data_set
from customer_age.labels.splits import SplitShares
from customer_age.schema import age_groups

A_KEY, ANOTHER_KEY = "a" * 32, "b" * 32
SHARES = SplitShares(train=0.9998, valid=0.0001, test=0.0001)
SPEC = IngestionSpec(stored_size=64, min_size=16, split_shares=SHARES, age_groups=("0-17", "18+"))
GROUPS = age_groups.parse(SPEC.age_groups)


@pytest.fixture
def data_set(hand_out, photo):
    rows = [(f"{number}.jpg", 20 + number, photo(number)) for number in range(5)]
    return open_data_set(str(hand_out(rows)))


def written(cache, key, data_set, leave_out=0):
    """An attempt as ingestion writes it."""
    attempt = cache.attempt(key)
    rows = list(data_set.rows())[leave_out:]
    ingested = [(row, examples.make(row, SPEC, GROUPS)) for row in rows]
    with tfrecord_shards.ShardWriter(attempt, 0, 1) as writer:
        for _, each in ingested:
            writer.write(each.split, each.serialized)
    entries = [beam_pipeline.index_entry(row, each, 0, GROUPS) for row, each in ingested]
    index.write(attempt, 0, entries)
    write_refused(attempt, [])
    return attempt


def test_a_batch_counts_when_it_is_committed(tmp_path, data_set):
    cache = BatchCache(f"{tmp_path}/cache/")
    attempt = written(cache, A_KEY, data_set)
    assert cache.find(A_KEY, "") is None
    assert cache.attempts() == {attempt: None}
    batch = cache.commit(A_KEY, attempt, data_set, 1)
    found = cache.find(A_KEY, "")
    assert found == batch
    assert cache.attempts() == {attempt: batch}
    assert Counter(entry.split for entry in found.entries) == {"train": 5}
    assert len(list(tfrecord_shards.records(found.shard("train", 0)))) == 5
    assert cache.find(ANOTHER_KEY, "") is None
    cache.discard(attempt)
    assert cache.find(A_KEY, "") is None
    assert cache.attempts() == {}


def test_the_files_of_a_killed_attempt_are_discarded_without_the_batch(tmp_path, data_set):
    cache = BatchCache(str(tmp_path / "cache"))
    batch = cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)
    killed = written(cache, A_KEY, data_set)
    growing = Path(cache.attempt(A_KEY)) / tfrecord_shards.UNFINISHED
    growing.mkdir(parents=True)
    (growing / ".data.0123.unfinished").write_bytes(b"half a photo")
    assert cache.attempts() == {batch.uri: batch, killed: None, str(growing.parent): None}
    cache.discard(killed)
    cache.discard(str(growing.parent))
    assert cache.attempts() == {batch.uri: batch}


def test_a_batch_that_lost_a_shard_is_discarded(tmp_path, data_set):
    cache = BatchCache(str(tmp_path / "cache"))
    keys = [A_KEY, ANOTHER_KEY, "c" * 32]
    batches = [cache.commit(key, written(cache, key, data_set), data_set, 1) for key in keys[:2]]
    cache.discard_damaged(keys)
    assert [cache.find(key, "") for key in keys] == [*batches, None]
    Path(batches[0].shard("train", 0)).unlink()
    cache.discard_damaged(keys)
    assert [cache.find(key, "") for key in keys] == [None, batches[1], None]


def test_notes_on_batches_are_not_batches(tmp_path, data_set):
    cache = BatchCache(str(tmp_path / "cache"))
    cache.use([A_KEY, ANOTHER_KEY])
    (tmp_path / "cache" / "_digests" / "folder").mkdir(parents=True)
    (tmp_path / "cache" / "_digests" / "folder" / "file.json").write_text("{}")
    batch = cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)
    assert cache.attempts() == {batch.uri: batch}


@pytest.mark.parametrize("lost", [index.FILE, REFUSED_FILE])
def test_a_batch_with_a_missing_file_does_not_count(tmp_path, data_set, lost):
    cache = BatchCache(str(tmp_path / "cache"))
    attempt = written(cache, A_KEY, data_set)
    cache.commit(A_KEY, attempt, data_set, 1)
    (Path(attempt) / lost).unlink()
    assert cache.find(A_KEY, "") is None
    assert cache.attempts() == {attempt: None}, "nobody knows what it holds"


def test_two_simultaneous_writers_both_have_a_complete_batch(tmp_path, data_set):
    cache = BatchCache(str(tmp_path / "cache"))

    def write(_):
        return cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(write, range(8)))
    for batch in batches:
        assert (
            len(batch.entries) == len(list(tfrecord_shards.records(batch.shard("train", 0)))) == 5
        )
    assert cache.find(A_KEY, "") in batches


def test_lost_rows_end_the_run(tmp_path, data_set):
    cache = BatchCache(str(tmp_path / "cache"))
    attempt = written(cache, A_KEY, data_set, leave_out=1)
    with pytest.raises(RunError, match="5 rows resulted in 4 examples and 0 refusals"):
        cache.commit(A_KEY, attempt, data_set, 1)
    assert cache.find(A_KEY, "") is None


@pytest.mark.parametrize("attempt", ["../../away", "{away}", "..", "", ".", 7, None])
def test_a_manifest_names_no_folder_outside_the_cache(tmp_path, data_set, attempt):
    cache, away = BatchCache(str(tmp_path / "cache")), BatchCache(str(tmp_path / "away"))
    cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)
    other = away.commit(A_KEY, written(away, A_KEY, data_set), data_set, 1)
    Path(other.shard("train", 0)).unlink()  # what is not whole is deleted
    (tmp_path / "away" / "entries.jsonl").write_text("")
    write_refused(str(tmp_path / "away"), [])
    named = attempt.format(away=tmp_path / "away") if isinstance(attempt, str) else attempt
    manifest = {"attempt": named, "rows": 5, "shards": 1}
    (tmp_path / "cache" / A_KEY / "piece.json").write_text(json.dumps(manifest))
    before = sorted((tmp_path / "away").rglob("*"))
    assert cache.find(A_KEY, "") is None
    cache.discard_damaged([A_KEY])
    assert sorted((tmp_path / "away").rglob("*")) == before
    again = cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)
    assert cache.find(A_KEY, "") == again


@pytest.mark.parametrize("split", ["train/../../../../away", "../x", "eval", ""])
def test_an_index_names_no_shard_outside_its_batch(tmp_path, data_set, split):
    cache = BatchCache(str(tmp_path / "cache"))
    batch = cache.commit(A_KEY, written(cache, A_KEY, data_set), data_set, 1)
    index_file = Path(batch.uri) / index.FILE
    index_file.write_text(index_file.read_text().replace('"train"', json.dumps(split), 1))
    assert cache.find(A_KEY, "") is None
