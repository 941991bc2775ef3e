"""A worker that dies during its work ends its job with one line, and no result is left."""

import contextlib
import signal
import threading
import time
from pathlib import Path

import pytest

from customer_age.errors import RunError

pytestmark = pytest.mark.slow

PHOTOS = 40
SECONDS = 20
"""Seconds. Beam's job service needs 1 to 2; the limit is higher for a busy machine."""


@pytest.fixture(scope="module")
def many(tmp_path_factory, photo):
    """A data set that keeps a worker busy for some seconds."""
    folder = tmp_path_factory.mktemp("many") / "final_files"
    folder.mkdir()
    rows = ["file_name,real_age"]
    for number in range(PHOTOS):
        (folder / f"{number:03}.jpg").write_bytes(photo(seed=number, size=(1500, 1500)))
        rows.append(f"{number:03}.jpg,{number % 80 + 1}")
    (folder.parent / "labels.csv").write_text("\n".join(rows))
    return folder.parent


@pytest.fixture
def long_examples(parts, tmp_path):
    """Examples that keep a worker busy for some seconds."""
    examples = parts.ingest([], tmp_path / "examples")
    for shard in examples.glob("Split-*/*.gz"):
        shard.write_bytes(shard.read_bytes() * 1000)  # gzip files can be concatenated
    return examples


@pytest.fixture
def lost(engine):
    """Kills or suspends the workers during their work, and checks how the job ends."""

    @contextlib.contextmanager
    def lose(at_work, seconds=SECONDS, by=signal.SIGKILL):
        when = []
        while engine.workers():  # of the job before
            time.sleep(0.1)

        def wait():
            while not at_work():
                time.sleep(0.005)
            engine.signal_workers(by)
            when.append(time.monotonic())

        threading.Thread(target=wait, daemon=True).start()
        with pytest.raises(Exception) as raised:
            yield raised
        ended = time.monotonic()
        assert when, f"ended before any worker was at work: {raised.value!r}"
        assert ended - when[0] < seconds
        assert isinstance(raised.value, RunError)
        assert len(str(raised.value).splitlines()) == 1

    return lose


def _reads(engine, folder):
    """Whether a worker has a file of the folder open."""

    def reads():
        for pid in engine.workers():
            with contextlib.suppress(OSError):
                for each in Path(f"/proc/{pid}/fd").iterdir():
                    if str(each.readlink()).startswith(f"{folder}/Split-"):
                        return True
        return False

    return reads


def test_ingestion_leaves_nothing_and_the_next_call_ends_well(parts, engine, many, lost, tmp_path):
    out = tmp_path / "out"
    with lost(lambda: any(out.glob("unfinished/*/*/unfinished/*"))) as raised:
        parts.ingest(engine.args, out, many)
    assert "a Beam worker died" in str(raised.value)
    assert not [file for file in out.rglob("*") if file.suffix in (".gz", ".csv", ".json")]
    parts.ingest(engine.args, out, many)
    assert (out / "ingestion.json").exists()
    assert not (out / "unfinished").exists()


def test_statistics(parts, engine, long_examples, lost, tmp_path):
    with lost(_reads(engine, long_examples)) as raised:
        parts.statistics(engine.args, long_examples, tmp_path / "out")
    assert "a Beam worker died" in str(raised.value)
    assert not list((tmp_path / "out").rglob("FeatureStats.pb"))


def test_evaluator(parts, engine, long_examples, lost, tmp_path):
    with lost(_reads(engine, long_examples)) as raised:
        parts.evaluate(engine.args, long_examples, tmp_path / "out")
    assert "a Beam worker died" in str(raised.value)
    assert not list(tmp_path.glob("out-blessing/*"))
    assert not list(tmp_path.glob("out/validations*"))


def test_score_and_the_next_call_ends_well(parts, engine, many, lost, tmp_path):
    out = tmp_path / "out"
    with lost(lambda: any(out.glob("unfinished/*"))) as raised:
        parts.score(engine.args, out, many / "final_files")
    assert "a Beam worker died" in str(raised.value)
    assert not list(out.glob("predictions-*"))
    parts.score(engine.args, out, many / "final_files")
    assert [file.name for file in out.iterdir()] == ["predictions-00000-of-00001.parquet"]


def test_a_worker_that_dies_before_it_has_reported(parts, engine, lost, tmp_path):
    with lost(engine.workers) as raised:
        parts.score(engine.args, tmp_path / "out")
    assert "died: killed by signal 9, probably because there was not enough memory" in str(
        raised.value
    )


def test_a_worker_that_hangs_is_given_up_after_the_set_time(parts, engine, many, lost, tmp_path):
    out = tmp_path / "out"
    try:
        with lost(lambda: any(out.glob("unfinished/*")), 60, signal.SIGSTOP) as raised:
            parts.score([*engine.args, "--max_silent_seconds=30"], out, many / "final_files")
    finally:
        engine.signal_workers()
    assert "showed no progress for 30 s (--max_silent_seconds)" in str(raised.value)
