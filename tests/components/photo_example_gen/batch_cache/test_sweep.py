"""Sweeping a batch cache: what nobody uses goes, and never what a run uses."""

import gzip
import logging
import os
import random
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from customer_age.components.artifacts.ingestion import write_refused
from customer_age.components.photo_example_gen import tfrecord_shards
from customer_age.components.photo_example_gen.batch_cache import BatchCache, index, uses
from customer_age.components.photo_example_gen.batch_cache import sweep as swept
from customer_age.errors import RunError
from customer_age.files import leftovers, local_files, store
from customer_age.files.addresses import join, plain

DAY = 24 * 3600
A_KEY, ANOTHER_KEY, THIRD_KEY = "a" * 32, "b" * 32, "c" * 32
DATA_SET = types.SimpleNamespace(batch="", row_count=1)
ENTRY = index.Entry(0, "train", "", "00", 30.0, "18+", "", "", "photos.csv", 2, "0.jpg")
sweeping = sys.modules[swept.__module__]


def write_attempt(cache, key):
    """An attempt as ingestion writes it, of one example."""
    attempt = cache.attempt(key)
    with tfrecord_shards.ShardWriter(attempt, 0, 1) as writer:
        writer.write("train", key.encode())
    index.write(attempt, 0, [ENTRY])
    write_refused(attempt, [])
    return attempt


def ingest(cache, key):
    """What a run does with a batch after its note."""
    found = cache.find(key, "")
    return found or cache.commit(key, write_attempt(cache, key), DATA_SET, 1)


def content(batch):
    """The records of a batch's only shard, without TFRecord's lengths and checksums."""
    framed = gzip.decompress(store.read(batch.shard("train", 0)))
    return [framed[12:-4]]


def names(place):
    return sorted(each.name for each in [*store.list(place), *leftovers.unfinished(place)])


class Aged:
    """Sets back the times of all files in a cache, as if time had passed."""

    def __init__(self, place):
        self._place = place

    def __call__(self, days, under=""):
        if not self._place.startswith("s3://"):
            for path in Path(self._place).rglob("*"):
                if under in str(path):
                    at = path.lstat().st_mtime - days * DAY
                    os.utime(path, (at, at), follow_symlinks=False)
            return
        from moto.s3.models import s3_backends

        bucket = s3_backends["123456789012"]["aws"].buckets[urlsplit(self._place).netloc]
        for name, key in bucket.keys.items():
            if under in name:
                at = key.last_modified.replace(tzinfo=timezone.utc).timestamp() - days * DAY
                key.last_modified = datetime.fromtimestamp(at, timezone.utc).replace(tzinfo=None)


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    """The address of an empty cache."""
    if request.param == "folder":
        return str(tmp_path / "cache")
    if request.param == "gs":
        return f"{request.getfixturevalue('gs_bucket')}/cache"
    import boto3

    request.getfixturevalue("aws_credentials")
    endpoint = request.getfixturevalue("s3_endpoint")
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="shop")
    return f"s3://shop/cache?endpoint={endpoint}"


@pytest.fixture
def gs_bucket(cloud_storage):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket("shop")
    return "gs://shop"


@pytest.fixture
def cache(place):
    return BatchCache(place)


@pytest.fixture
def aged(place):
    return Aged(place)


def test_a_batch_is_deleted_when_no_run_used_it_for_thirty_days(cache, place, aged):
    used, old, older = A_KEY, ANOTHER_KEY, THIRD_KEY
    for key in (used, old, older):
        cache.use([key])
        ingest(cache, key)
    aged(29)
    assert swept(place) == sweeping.Swept()
    cache.use([used])
    aged(2, f"/{old}")
    aged(2, f"/{older}")
    aged(2, "/_used/")
    assert swept(place) == sweeping.Swept(batches=2, files=3), "with three notes"
    assert cache.find(old, "") is None
    assert content(cache.find(used, "")) == [used.encode()]
    assert {name.partition("/")[0] for name in names(place)} == {used, "_used"}
    aged(31)
    assert swept(place).batches == 1
    assert {name.partition("/")[0] for name in names(place)} == {"_used"}
    if "://" not in place:
        aged(2)
        swept(place)
        assert [each.name for each in Path(place).iterdir()] == ["_used"], "no empty folder stays"


def test_a_batch_without_a_note_counts_as_used_when_it_was_made(cache, place, aged):
    """So it is with caches of release 0.1."""
    ingest(cache, A_KEY)
    aged(29.9)
    assert swept(place) == sweeping.Swept()
    aged(0.2)
    assert swept(place, sweeping.Limits(between=0)) == sweeping.Swept(batches=1)
    assert names(place) == ["_used/swept"]


def test_the_files_of_killed_runs_are_deleted_after_a_day(cache, place, aged):
    ingest(cache, A_KEY)
    dead = [write_attempt(cache, A_KEY), write_attempt(cache, ANOTHER_KEY)]
    if "://" not in place:
        growing = cache.attempt(THIRD_KEY)
        with pytest.raises(KeyError), tfrecord_shards.ShardWriter(growing, 0, 1) as writer:
            writer.write("train", b"half")
            [half] = Path(growing).rglob("*.unfinished")
            kept = half.read_bytes()
            raise KeyError  # the file is gone then, so:
        half.write_bytes(kept)
        (Path(place) / A_KEY / ".piece.json.0123.unfinished").write_bytes(b"{")
        dead.append(growing)
    assert set(map(plain, cache.attempts())) >= set(map(plain, dead))
    aged(0.9)
    assert swept(place) == sweeping.Swept()
    aged(0.2)
    files = 0 if "://" in place else 1
    expected = sweeping.Swept(attempts=len(dead), files=files)
    assert swept(place, sweeping.Limits(between=0)) == expected
    assert content(cache.find(A_KEY, "")) == [A_KEY.encode()]
    assert {name.partition("/")[0] for name in names(place)} == {A_KEY, "_used"}


def test_other_files_in_the_cache_stay(cache, place, aged):
    """Somebody may name a folder with other things in it: they are not ours to delete."""
    others = ["photos/2024/a.jpg", "photos/a.jpg", "a.txt", "photos/piece.json", f"{A_KEY}/b/a.txt",
              "_digests/notes.txt", "_digests/deep/a.json", "_used/read me"]  # fmt: skip
    if "://" not in place:
        others.append("photos/.a.jpg.0123456789abcdef.unfinished")
        (Path(place) / "an empty folder" / "of mine").mkdir(parents=True)
    for name in others:
        store.write_whole(join(place, name), b"mine")
    aged(100)
    assert swept(place) == sweeping.Swept()
    assert cache.attempts() == {}, "`forget` does not delete them either"
    assert set(names(place)) == {*others, "_used/swept"}
    assert "://" in place or (Path(place) / "an empty folder" / "of mine").is_dir()


def test_an_attempt_in_which_something_is_written_stays(cache, place, aged):
    attempt = write_attempt(cache, A_KEY)
    aged(1.1)
    store.write_whole(join(attempt, "Split-train", "data_tfrecord-00001-of-00002.gz"), b"")
    assert swept(place) == sweeping.Swept()
    assert cache.commit(A_KEY, attempt, DATA_SET, 1) == cache.find(A_KEY, "")


def test_an_attempt_stays_while_a_run_uses_its_batch(cache, place, aged):
    """Its computer may have slept over night."""
    attempt = write_attempt(cache, A_KEY)
    aged(1.1)
    cache.use([A_KEY])
    assert swept(place) == sweeping.Swept()
    assert content(cache.commit(A_KEY, attempt, DATA_SET, 1)) == [A_KEY.encode()]


def test_a_cache_is_swept_once_a_day(cache, place, aged):
    assert swept(place) == sweeping.Swept()
    ingest(cache, A_KEY)
    aged(31, A_KEY)
    assert swept(place) == sweeping.Swept()
    aged(0.9, "_used")
    assert swept(place) == sweeping.Swept()
    aged(0.2, "_used")
    assert swept(place) == sweeping.Swept(batches=1)


def test_a_mark_from_the_future_does_not_stop_sweeping(cache, place, aged):
    swept(place)
    aged(-3)
    ingest(cache, A_KEY)
    aged(31, A_KEY)
    assert swept(place) == sweeping.Swept(batches=1)


def test_this_machines_clock_does_not_decide_deletions(cache, place, monkeypatch):
    cache.use([A_KEY])
    ingest(cache, A_KEY)
    write_attempt(cache, ANOTHER_KEY)
    now = time.time()
    for wrong in (now + 400 * DAY, now - 400 * DAY):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: wrong)
        assert swept(place) == sweeping.Swept()


def test_digests_that_were_not_written_for_thirty_days_are_forgotten(place, aged):
    for name in (A_KEY, ANOTHER_KEY):
        store.write_whole(join(place, "_digests", f"{name}.json"), b"{}")
    aged(31, A_KEY)
    assert swept(place) == sweeping.Swept(files=1)
    assert names(place) == [f"_digests/{ANOTHER_KEY}.json", "_used/swept"]


def test_the_newest_of_several_notes_on_the_same_batches_stays(cache, place, aged):
    for number in range(4):
        cache.use(["a", *"bcd"[:number]])
        aged(1)
    cache.use(["z"])
    assert swept(place) == sweeping.Swept(files=3)
    noted = uses.Uses(place)
    noted.read_on()
    assert set(noted.last_ns) == {*"abcdz"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_requests_a_batch_during_its_sweep(cache, place, aged, monkeypatch, moment):
    """Before the manifest is removed, the run finds the batch and keeps it; after it, not."""
    first = ingest(cache, A_KEY)
    aged(31)
    requests = []

    def ask(cache=cache):
        cache.use([A_KEY])
        requests.append(cache.find(A_KEY, ""))

    remove_manifest = sweeping._Sweep._remove_manifest

    def interrupted(self, key):
        if moment == "before":
            ask()
        manifest = remove_manifest(self, key)
        if moment == "after":
            ask()
        return manifest

    monkeypatch.setattr(sweeping._Sweep, "_remove_manifest", interrupted)
    assert swept(place) == sweeping.Swept()
    assert requests == [first if moment == "before" else None]
    assert content(first) == content(ingest(cache, A_KEY)) == [A_KEY.encode()]
    assert cache.find(A_KEY, "") == first


def test_a_batch_is_ingested_again_during_the_sweep_of_the_old_one(cache, place, aged, monkeypatch):
    first = ingest(cache, A_KEY)
    write_attempt(cache, A_KEY)  # by one that is killed
    aged(31)
    remove_manifest = sweeping._Sweep._remove_manifest
    made = []

    def interrupted(self, key):
        manifest = remove_manifest(self, key)
        cache.use([A_KEY])
        made.append(ingest(cache, A_KEY))
        return manifest

    monkeypatch.setattr(sweeping._Sweep, "_remove_manifest", interrupted)
    assert swept(place) == sweeping.Swept(), "a run may have found the old one before"
    assert swept(place, sweeping.Limits(between=0)) == sweeping.Swept()
    assert content(first) == [A_KEY.encode()]
    assert [cache.find(A_KEY, "")] == made != [first]
    aged(1.1)
    assert swept(place) == sweeping.Swept(attempts=2)
    assert content(cache.find(A_KEY, "")) == [A_KEY.encode()]


@pytest.mark.parametrize("error", [PermissionError("refused"), ValueError("damaged")])
def test_an_error_is_one_warning(cache, place, monkeypatch, caplog, error):
    def fail(*_, **__):
        raise error

    ingest(cache, A_KEY)
    monkeypatch.setattr(store, "write_whole", fail)
    assert swept(place) == sweeping.Swept()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == f"The batch cache {plain(place)} was not swept: {error}"


def test_a_missing_cache_is_swept(place):
    assert swept(place) == sweeping.Swept()


@pytest.mark.parametrize("place", ["s3"], indirect=True)
def test_a_run_needs_one_request_more_for_all_its_batches(scripted_requests, cache, place):
    keys = [f"{number:032x}" for number in range(10_000)]
    swept(place)
    with scripted_requests as requests:
        cache.use(keys)
        swept(place)
    assert requests == ["put", "entries"]


@pytest.fixture
def scripted_requests(place, monkeypatch):
    """The requests to a bucket within a block."""
    from contextlib import contextmanager

    from customer_age.files.s3_bucket import S3Bucket

    requests: list[str] = []
    for name in ("entries", "read", "put", "delete", "exists"):
        method = getattr(S3Bucket, name)

        def counted(self, *args, method=method, name=name):
            requests.append(name)
            return method(self, *args)

        monkeypatch.setattr(S3Bucket, name, counted)

    @contextmanager
    def counting():
        requests.clear()
        yield requests

    return counting()


# Many at once, with times of seconds instead of days.

HELD = 0.3
"""Seconds for which a run uses its batches."""


def use_batches(place, seed, seconds, limit):
    """Runs, one after another, each using some batches; some are killed.

    What was found broken, and how many runs ended within the limit: others may lose their batches.
    """
    choice = random.Random(seed)
    cache, broken, judged, end = BatchCache(place), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        keys = choice.sample([f"{number:032x}" for number in range(24)], 2)
        found = []
        noted = time.monotonic()
        cache.use(keys)
        try:
            batches = [ingest(cache, key) for key in keys]
            if choice.random() < 0.2:
                write_attempt(cache, keys[0])  # by one that is killed
            time.sleep(HELD * choice.random())
            for key, batch in zip(keys, batches, strict=True):
                assert content(batch) == [key.encode()], key
        except (OSError, RunError, AssertionError) as error:
            found.append(f"{keys}: {error!r}")
        if time.monotonic() - noted < limit - 0.1:  # a file's time is a little coarse
            judged += 1
            broken += found
    return broken, judged


def sweep_again_and_again(place, limits, seconds):
    end, batches, attempts = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        done = swept(place, limits)
        batches += done.batches
        attempts += done.attempts
    return batches, attempts


@pytest.mark.slow
@pytest.mark.parametrize("place", ["folder", "s3", "gs"], indirect=True)
@pytest.mark.one_line
def test_nothing_that_a_run_uses_is_swept(place, caplog):
    """Four runs and two sweeps at once; a store's clock counts whole seconds."""
    in_store = "://" in place
    limit, seconds = (4.0, 15) if in_store else (1.5, 6)
    limits = sweeping.Limits(unused=limit, quiet=limit, between=0)
    with ThreadPoolExecutor(8) as pool:
        sweeps = [pool.submit(sweep_again_and_again, place, limits, seconds) for _ in range(2)]
        runs = [pool.submit(use_batches, place, seed, seconds, limit) for seed in range(4)]
        used = [run.result() for run in runs]
        assert [broken for broken, _ in used] == [[]] * 4
        assert sum(judged for _, judged in used) > 0
        meanwhile = sum(sum(each.result()) for each in sweeps)
    assert meanwhile > 0
    assert sweeping.__name__ not in {record.name for record in caplog.records}
    time.sleep(limit + 1)
    swept(place, limits)
    time.sleep(limit + 1)
    swept(place, limits)
    assert {name.partition("/")[0] for name in names(place)} == {"_used"}


RUNS = """
import sys
sys.path.insert(0, sys.argv[1])
import test_sweep
broken, judged = test_sweep.use_batches(sys.argv[2], int(sys.argv[3]), 6, float(sys.argv[4]))
print(judged, *broken, sep="\\n")
"""


@pytest.mark.slow
@pytest.mark.one_line
def test_nothing_that_processes_use_is_swept(tmp_path):
    place, limit = str(tmp_path / "cache"), 1.5
    limits = sweeping.Limits(unused=limit, quiet=limit, between=0)
    arguments = [str(Path(__file__).parent), place]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", RUNS, *arguments, str(seed), str(limit)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(2)
    ]
    swept_of_all = [0, 0]
    while any(run.poll() is None for run in runs):
        done = swept(place, limits)
        swept_of_all[0] += done.batches
        swept_of_all[1] += done.attempts
    printed = [run.communicate()[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert [broken for _, *broken in printed] == [[], []]
    assert sum(int(judged) for judged, *_ in printed) > 0
    assert min(swept_of_all) > 0


def test_unfinished_files_are_listed_by_their_name_in_the_folder(tmp_path):
    with local_files.writing(str(tmp_path / "a" / "b.txt"), new=False) as file:
        file.write(b"half")
        file.flush()
        [entry] = leftovers.unfinished(f"file://{tmp_path}")
        assert entry.name.startswith("a/.b.txt.")
        assert entry.byte_size == 4
    assert [*leftovers.unfinished(str(tmp_path))] == []
