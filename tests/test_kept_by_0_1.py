"""What release 0.1 left on disk is read as it was: see `kept_by_0_1/README.md`."""

import contextlib
import csv
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata as tfx_metadata

from customer_age.components.artifacts import canary, evaluation, ingestion, json_file, statistics
from customer_age.components.artifacts.training import FILE as TRAINING_FILE
from customer_age.components.artifacts.training import Training
from customer_age.components.photo_example_gen.batch_cache import BatchCache
from customer_age.components.registry_pusher import drift
from customer_age.components.trainer import inputs
from customer_age.components.trainer import model as models
from customer_age.components.trainer.layers import age_distribution
from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms, tombstones
from customer_age.model_registry import open_registry
from customer_age.pipeline.cli.cli import main
from customer_age.pipeline.retraining import inbox, policy
from customer_age.pipeline.retraining.drift_check import open_champions
from customer_age.pipeline.retraining.ledger.ledger import Ledger
from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.retraining.local_target import LocalTarget, RunFiles
from customer_age.pipeline.retraining.trigger import Trigger
from customer_age.pipeline.running.metadata import RunRecords
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

sys.path.append(str(Path(__file__).parent / "pipeline" / "retraining"))  # two modules there

import postgres_server
from recording_target import RecordingTarget

KEPT = Path(__file__).parent / "kept_by_0_1"
SAID = KEPT / "said_by_0_1"
MADE_IN = "/srv/shop"
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"
TEXTS = ("", ".csv", ".json", ".jsonl", ".pbtxt", ".sql", ".yaml")
"""Endings of the files in which the shop's folder may stand."""

_databases = itertools.count()


@dataclass(frozen=True)
class Kept:
    """The shop of release 0.1, in a folder of the test's own.

    Attributes:
        folder: that was /srv/shop.
        made_at: when release 0.1 had done its work.
    """

    folder: Path
    made_at: datetime

    @property
    def work(self):
        return self.folder / "work"

    @property
    def inbox(self):
        return self.folder / "inbox"

    @property
    def settings(self):
        return self.folder / "settings.yaml"

    def here(self, file):
        """The text of a file, as if release 0.1 had written it in this folder."""
        return file.read_text().replace(MADE_IN, str(self.folder))

    def artifact(self, component, output, run):
        """The folder of a run's output; runs count from 1, in those that have it."""
        folders = (self.work / "pipeline" / component / output).iterdir()
        return str(sorted(folders, key=lambda folder: int(folder.name))[run - 1])


@pytest.fixture
def kept_by_0_1(tmp_path):
    """Unpack the shop: SQLite from SQL, other paths in it, and each file's time of change."""
    manifest = json.loads((KEPT / "shop.json").read_text())
    shop = Kept(tmp_path / "shop", datetime.fromisoformat(manifest["made_at"]))
    for name, changed in manifest["changed_ns"].items():
        kept_as = re.sub("^work/", "work_folder/", manifest["same_as"].get(name, name))
        source = KEPT / "shop" / kept_as
        target = shop.folder / name
        if name.endswith("/"):
            target.mkdir(parents=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if (script := source.with_name(f"{source.name}.sql")).exists():
            with contextlib.closing(sqlite3.connect(target)) as database:
                database.executescript(shop.here(script))
        elif source.suffix in TEXTS:
            target.write_text(shop.here(source))
        else:
            shutil.copyfile(source, target)
        os.utime(target, ns=(changed, changed))
    return shop


@pytest.fixture
def command(kept_by_0_1, monkeypatch, capsys):
    """`customer-age` with the shop's settings; gives its exit code and what it printed."""

    def call(*arguments, stdin=""):
        line = ["customer-age", *map(str, arguments), "--config", str(kept_by_0_1.settings)]
        monkeypatch.setattr(sys, "argv", line)
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return code, capsys.readouterr().out

    return call


@pytest.fixture(scope="session")
def postgres(free_port):
    missing = postgres_server.missing()
    if missing:
        pytest.skip(f"PostgreSQL is not installed: no {' and no '.join(missing)}")
    with postgres_server.running(free_port()) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_uri(request, kept_by_0_1):
    """The kept ledger, in the work folder or in a server."""
    if request.param == "sqlite":
        return f"sqlite:///{kept_by_0_1.work}/retraining/ledger.sqlite"
    import psycopg

    postgres = request.getfixturevalue("postgres")
    name = f"kept_{next(_databases)}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(f"{postgres}/{name}") as connection:
        connection.execute(kept_by_0_1.here(KEPT / "ledger_postgresql.sql"))
    return f"{postgres}/{name}"


@pytest.fixture
def look(kept_by_0_1, ledger_uri):
    """Look at the inbox, so many hours after release 0.1 did: the exit code, and what is said."""
    settings = loading.load(str(kept_by_0_1.settings))
    target = RecordingTarget(kept_by_0_1.folder / "target.sqlite")

    def once(hours=0.25):
        said = []

        def clock():
            return kept_by_0_1.made_at + timedelta(hours=hours)

        trigger = Trigger(
            settings=settings,
            inbox=inbox.open_inbox(settings),
            ledger=Ledger(ledger_uri, "shop", clock),
            target=target,
            champions=open_champions(settings),
            check=lambda _: None,
            say=said.append,
            clock=clock,
        )
        return trigger.check_inbox(), said

    once.target = target
    return once


def put_batch(folder, photos):
    (folder / "photos").mkdir(parents=True)
    rows = ["file_name,card_id,captured_at"]
    for number in range(photos):
        (folder / "photos" / f"{number}.jpg").write_bytes(f"{folder.name} {number}".encode())
        rows.append(f"{number}.jpg,4000-{number:04},2026-11-02T10:15")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    (folder / "_SUCCESS").touch()


def examples_in(folder):
    """Split, batch and name of each example in a folder of splits, and its features."""
    found = {}
    for file in sorted(Path(folder).glob("Split-*/*.gz")):
        for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
            feature = tf.train.Example.FromString(record).features.feature
            batch, name = (
                feature[key].bytes_list.value[0].decode() for key in ("batch", "file_name")
            )
            found[file.parent.name.removeprefix("Split-"), batch, name] = feature
    return found


# The registry: MLflow on SQLite.


def test_a_version_still_has_all_its_facts(kept_by_0_1):
    registry = open_registry(
        f"mlflow+sqlite:///{kept_by_0_1.work}/registry/mlflow.db", "customer-age"
    )
    recorded = json.loads(kept_by_0_1.here(SAID / "registry.json"))
    found = registry.versions()
    assert [version.version for version in found] == ["1", "2"]
    for version, kept in zip(found, recorded, strict=True):
        assert version.metrics == kept["metrics"]
        assert version.tags == kept["tags"]
        assert version.settings == kept["settings"]
        assert version.description == kept["description"]
        assert (list(version.aliases), version.uri) == (kept["aliases"], kept["uri"])
        assert version.created == datetime.fromisoformat(kept["created"])
        assert version.blessed
    assert registry.champion().version == "2"


def test_models_are_listed_and_compared_as_they_were(command):
    assert command("models", "list") == (0, (SAID / "models_list.txt").read_text())
    compared = (SAID / "models_compare.txt").read_text()
    assert command("models", "compare", "1", "2") == (0, compared)


def test_a_version_is_shown_with_where_it_comes_from(command, kept_by_0_1):
    code, printed = command("models", "show", "champion")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.split()}
    assert rows["version"] == ["2,", "champion"]
    assert rows["batches"] == ["2026-11-02"]
    assert rows["run_id"] == ["retrain-c65d5626e53b"]
    assert rows["baseline_version"] == ["1"]
    assert rows["trainer.weights"] == ["champion"]
    assert rows["work_dir"] == [str(kept_by_0_1.work)]
    assert "mean absolute error (MAE) is 1.35 years" in " ".join(printed.split())


def test_the_champion_of_before_comes_back_and_goes(command):
    assert command("models", "rollback") == (0, "version 1 is the champion again\n")
    assert "1         champion" in command("models", "list")[1]
    assert command("models", "rollback")[0] == 1, "there was none before"
    assert command("models", "promote", "2") == (0, "version 2 is the champion\n")
    assert command("models", "list") == (0, (SAID / "models_list.txt").read_text())


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_published_model_guesses_as_it_did(command, kept_by_0_1, version):
    if version == "2":  # `predict` of release 0.1 left it in the work folder, ready to be asked
        shutil.rmtree(kept_by_0_1.work / "registry" / "artifacts")
    photos = kept_by_0_1.folder / "base" / "photos"
    code, printed = command("predict", photos, "--version", version, "--format", "csv")
    assert code == 0
    guessed = list(csv.DictReader(io.StringIO(printed)))
    kept = list(csv.DictReader(io.StringIO(kept_by_0_1.here(SAID / f"ages_{version}.csv"))))
    assert [row["file_name"] for row in guessed] == [row["file_name"] for row in kept]
    assert len(guessed) == 39
    for row, before in zip(guessed, kept, strict=True):
        assert row["version"] == version
        assert float(row["age"]) == pytest.approx(float(before["age"]), abs=0.11)


def test_training_starts_from_the_kept_champion(kept_by_0_1, grey):
    registry = open_registry(
        f"mlflow+sqlite:///{kept_by_0_1.work}/registry/mlflow.db", "customer-age"
    )
    folder = registry.download("2", kept_by_0_1.folder / "champion")
    published = tf.saved_model.load(str(folder)).signatures["serving_default"]
    photos = keras.Input((32, 32, 3))
    brightness = keras.layers.GlobalAveragePooling2D()(photos)
    backbone = keras.layers.Rescaling(1 / 128, [-103.939 / 128, -116.779 / 128, -123.68 / 128])
    logits = keras.layers.Dense(len(age_distribution.YEARS))(backbone(brightness[:, ::-1]))
    network = keras.Model(photos, logits)
    models.copy_weights(str(folder), network)
    for brightness_of_photo in (30, 120, 210):
        served = published(image_bytes=tf.constant([grey(brightness_of_photo)]))["age"]
        square = tf.fill([1, 32, 32, 3], float(brightness_of_photo))
        age = float(age_distribution.expected_age(network(square))[0, 0])
        assert age == pytest.approx(float(served[0]), abs=0.01)


def test_drift_is_measured_against_the_champions_training_photos(kept_by_0_1):
    registry = open_registry(
        f"mlflow+sqlite:///{kept_by_0_1.work}/registry/mlflow.db", "customer-age"
    )
    training = registry.champion().tags[drift.TAG]
    same = drift.distances({"real_age": [9, 10, 15, 16, 22, 29, 36, 50, 57, 64, 72, 73]}, training)
    other = drift.distances({"real_age": [100, 101, 102]}, training)
    assert same["real_age"] < 0.2
    assert other["real_age"] == pytest.approx(1)


# The ledger, and the inbox.


def test_status_prints_the_same_lines(command, ledger_uri):
    printed = command("retrain", "--status", "--set", f"retraining.ledger={ledger_uri}")
    name = "status.txt" if ledger_uri.startswith("sqlite") else "status_postgresql.txt"
    assert printed == (0, f"{(SAID / name).read_text()}notifications: 2 wait\n")


def test_a_run_that_was_killed_is_brought_to_its_end_with_its_settings(look, ledger_uri):
    code, said = look()
    assert code == 0
    assert said[0] == "run retrain-fab13f5796cb ended, published"
    assert said[1].startswith("no run: 3 new photos in 1 batch are not enough yet")
    window = ["2026-11-02", "2026-11-03", "2026-11-05"]
    assert look.target.made() == [("retrain-fab13f5796cb", window)]
    trainer = look.target.settings("retrain-fab13f5796cb").trainer
    assert (trainer.weights, trainer.epochs, trainer.learning_rate) == ("champion", 2, 1e-3)
    states = {batch.name: str(batch.state) for batch in Ledger(ledger_uri, "shop").batches()}
    assert states["2026-11-05"] == "learnt"


def test_no_batch_is_trained_on_again_and_a_new_one_once(look, kept_by_0_1):
    look()
    code, said = look()
    assert code == 0
    assert [line.partition(" are not enough")[0] for line in said] == [
        "no run: 3 new photos in 1 batch"
    ]
    put_batch(kept_by_0_1.inbox / "2026-11-09", 12)
    code, said = look()
    assert code == 0
    assert said[:1] == ["batch 2026-11-09: 12 new photos"]
    assert said[1].endswith(": 15 new photos in 2 batches: retraining.min_photos is 10")
    assert look() == (0, ["no run: no new photos; 1 batch will be tried again later"])
    window = ["2026-11-02", "2026-11-03", "2026-11-05", "2026-11-06", "2026-11-09"]
    assert [batches for _, batches in look.target.made()][1:] == [window]


def test_a_batch_that_failed_is_tried_again_when_its_hour_has_passed(look):
    look()
    code, said = look(hours=2)
    assert code == 0
    assert "another try with 2026-11-04, refused 1 of 2 times: data refused: 10 of 75" in said[0]
    assert look.target.made()[1][1] == ["2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"]


def test_used_photos_are_recognised_under_another_name(look, kept_by_0_1):
    look()
    shutil.copytree(kept_by_0_1.inbox / "2026-11-03", kept_by_0_1.inbox / "2026-11-08")
    os.utime(kept_by_0_1.inbox / "2026-11-08" / "_SUCCESS")
    same = "its photos and table are the same as those of batch 2026-11-03"
    assert look()[1][0] == f"batch 2026-11-08 is set aside: {same}"


def test_a_batch_that_was_set_aside_may_be_mended(look, kept_by_0_1):
    look()
    put_batch(kept_by_0_1.inbox / "2026-11-01" / "new", 4)
    for part in ("photos", "photos.csv"):
        (kept_by_0_1.inbox / "2026-11-01" / "new" / part).rename(
            kept_by_0_1.inbox / "2026-11-01" / part
        )
    shutil.rmtree(kept_by_0_1.inbox / "2026-11-01" / "new")
    os.utime(kept_by_0_1.inbox / "2026-11-01" / "_SUCCESS")
    assert look()[1][0] == "batch 2026-11-01: 4 new photos"


def test_the_same_batches_make_a_run_of_the_same_id(ledger_uri):
    runs = Ledger(ledger_uri, "shop").runs()
    known = ("retrain-c65d5626e53b", "retrain-12ee7e26114e", "retrain-fab13f5796cb")
    for place, run in enumerate(runs):
        if run.run_id in known:
            assert policy.run_id(run.batches, runs[:place]) == run.run_id
    assert {run.run_id for run in runs} >= set(known)


def test_an_unsent_event_is_sent_once(ledger_uri, kept_by_0_1):
    now = kept_by_0_1.made_at + timedelta(hours=0.25)
    outbox = Ledger(ledger_uri, "shop", lambda: now).outbox
    offered = []
    while (event := outbox.take(seconds=60)) is not None:
        offered.append(event)
        outbox.sent(event.id)
    assert [event.id for event in offered] == [
        "retrain-12ee7e26114e.model_refused",
        "retrain-9da2fefb8206.data_refused",
    ]
    refused = offered[0]
    assert refused.type == "customer-age.run.model_refused"
    assert refused.data["new_batches"] == ["2026-11-03"]
    assert refused.data["new_photos"] == 12
    assert refused.data["planned_at"] <= refused.data["ended_at"] == refused.happened_at.isoformat()


def test_settings_of_a_run_in_the_ledger_are_settings(ledger_uri, kept_by_0_1):
    published, refused, _, taken = Ledger(ledger_uri, "shop").runs()
    first, second, last = (
        Settings.model_validate_json(run.settings) for run in (published, refused, taken)
    )
    assert first.data.batches == ("2026-11-02",)
    assert second.data.batches == ("2026-11-02", "2026-11-03")
    assert last.data.batches == ("2026-11-02", "2026-11-03", "2026-11-05")
    assert (first.gate.max_mae, second.gate.max_mae, last.gate.max_mae) == (20, 0.001, 20)
    assert (first.name, first.work_dir) == ("shop", str(kept_by_0_1.work))
    assert first.data.split_shares.train == 0.6
    assert first.retraining.max_wait_hours == 10_000


def test_a_run_on_this_machine_is_known_by_what_it_left(kept_by_0_1):
    target = LocalTarget(str(kept_by_0_1.work))
    assert {
        run_id: target.state(run_id)
        for run_id in (
            "retrain-c65d5626e53b",
            "retrain-12ee7e26114e",
            "retrain-9da2fefb8206",
            "retrain-fab13f5796cb",
        )
    } == {
        "retrain-c65d5626e53b": RunState.PUBLISHED,
        "retrain-12ee7e26114e": RunState.MODEL_REFUSED,
        "retrain-9da2fefb8206": RunState.DATA_REFUSED,
        "retrain-fab13f5796cb": RunState.UNKNOWN,
    }
    reason = target.reason("retrain-9da2fefb8206")
    assert reason.startswith("10 of 75 rows refused (13.3%: 10 not_an_image)")
    file = RunFiles(str(kept_by_0_1.work), "retrain-12ee7e26114e").settings
    settings = loading.load(str(file))
    assert settings.gate.max_mae == 0.001
    assert settings.data.batches == ("2026-11-02", "2026-11-03")


# Ingested batches, and who is forgotten.


def test_ingested_batches_are_found_with_all_their_entries(kept_by_0_1):
    cache = BatchCache(str(kept_by_0_1.work / "batch_cache"))
    found = cache.attempts()
    assert None not in found.values()
    by_batch = {cached.entries[0].batch: cached for cached in found.values()}
    assert {
        batch: (cached.rows, Counter(entry.split for entry in cached.entries), len(cached.refused))
        for batch, cached in by_batch.items()
    } == {
        "": (39, {"train": 24, "valid": 9, "test": 6}, 0),
        "2026-11-02": (12, {"train": 7, "valid": 1, "test": 2}, 2),
        "2026-11-03": (12, {"train": 7, "valid": 3, "test": 2}, 0),
        "2026-11-04": (12, {"train": 1, "valid": 1}, 10),
    }
    base = by_batch[""]
    assert cache.find(base.uri.split("/")[-2], "") == base
    key = pseudonyms.read(str(kept_by_0_1.work / "person.key"))
    for entry in base.entries:
        photo = (kept_by_0_1.folder / "base" / "photos" / entry.file_name).read_bytes()
        assert entry.content == hashlib.sha256(photo).hexdigest()
        assert entry.captured == "2026-11-02"
    first = base.entries[0]
    assert (first.file_name, first.age, first.group, first.line) == ("00.jpg", 15, "13-17", 2)
    assert first.person == pseudonyms.pseudonym("4000-0001", key)
    reasons = Counter(str(refusal.reason) for refusal in by_batch["2026-11-04"].refused)
    assert reasons == {"not_an_image": 10}
    shard = by_batch["2026-11-02"].shard("train", 0)
    assert len(list(tf.data.TFRecordDataset(shard, "GZIP"))) == 7


def test_a_forgotten_person_is_still_recognised(kept_by_0_1):
    forgotten = tombstones.read(str(kept_by_0_1.inbox))
    key = pseudonyms.read(str(kept_by_0_1.work / "person.key"))
    tombstones.require_key(forgotten, key)
    assert forgotten.persons == {pseudonyms.pseudonym("4000-0013", key)}
    assert forgotten.covers(pseudonyms.pseudonym("4000-0013", key), "2026-11-02")
    assert not forgotten.covers(pseudonyms.pseudonym("4000-0014", key), "2026-11-02")


def test_a_card_is_forgotten_wherever_release_0_1_kept_it(command, kept_by_0_1, contents):
    card, batch = "4000-0045", kept_by_0_1.inbox / "2026-11-03"
    key = pseudonyms.read(str(kept_by_0_1.work / "person.key"))
    photo = (batch / "photos" / "06.jpg").read_bytes()
    examples = examples_in(kept_by_0_1.artifact("PhotoExampleGen", "examples", 2))
    stored = examples["train", "2026-11-03", "06.jpg"]["image/encoded"].bytes_list.value[0]
    digest = hashlib.sha256(photo)
    person = pseudonyms.pseudonym(card, key).encode()
    sought = [card.encode(), photo, stored, digest.digest(), digest.hexdigest().encode(), person]
    before = [content for _, content in contents(kept_by_0_1.folder)]
    found = [any(needle in content for content in before) for needle in sought]
    assert found == [True, True, True, False, True, True]

    code, printed = command("forget", "-", stdin=card)
    assert code == 0
    assert printed.startswith(
        "erased: 1 photos and 2 rows of uploads; 3 examples, and with them "
        "1 cached batches and 2 artifacts of runs"
    )
    tombstone = kept_by_0_1.inbox / "_forgotten" / person.decode()
    assert tombstone.exists()
    for file, content in contents(kept_by_0_1.folder):
        if file != tombstone:
            assert not any(needle in content for needle in sought), file

    # All others are there.
    assert len(list((batch / "photos").iterdir())) == 11
    assert len((batch / "photos.csv").read_text().splitlines()) == 12
    cached_batches = BatchCache(str(kept_by_0_1.work / "batch_cache")).attempts().values()
    assert {cached.entries[0].batch for cached in cached_batches} == {
        "",
        "2026-11-02",
        "2026-11-04",
    }
    assert len(examples_in(kept_by_0_1.artifact("PhotoExampleGen", "examples", 1))) == 49
    audit = [json.loads(line) for line in (kept_by_0_1.work / "forgotten.jsonl").open()]
    assert [(line["photos"], line["rows"], line["artifacts"]) for line in audit] == [
        (1, 3, 1),
        (1, 2, 2),
    ]
    assert states_of_examples(kept_by_0_1) == ["DELETED", "LIVE", "DELETED", "DELETED"]


def states_of_examples(kept):
    """What ML Metadata says of the examples of each run."""
    config = tfx_metadata.sqlite_metadata_connection_config(str(kept.work / "metadata.sqlite"))
    artifacts = MetadataStore(config).get_artifacts_by_type("Examples")
    return [
        mlmd.Artifact.State.Name(each.state) for each in sorted(artifacts, key=lambda each: each.id)
    ]


# What components left of each run.


def test_the_metadata_tell_the_last_runs_results(kept_by_0_1):
    records = RunRecords(kept_by_0_1.work / "metadata.sqlite", "shop")
    assert records.newest_execution() == 42
    assert records.discard_unfinished(kept_by_0_1.work / "pipeline") == 0
    ingested, trained = records.node("PhotoExampleGen"), records.node("Trainer")
    assert (ingested.complete, ingested.cached) == (True, False)
    examples = ingested.outputs["examples"]
    assert examples.uri == kept_by_0_1.artifact("PhotoExampleGen", "examples", 3)
    assert (examples.properties["photos"], examples.properties["refused"]) == (63, 12)
    assert trained.outputs["model_run"].uri == kept_by_0_1.artifact("Trainer", "model_run", 3)
    champion = records.node("Champion").outputs["model"].properties
    assert (champion["kind"], champion["version"]) == ("champion", "2")
    assert records.node("RegistryPusher").outputs["pushed_model"].properties["pushed"] == 0
    assert not records.node("DataGate").complete
    assert records.node("Trainer", since=trained.execution_id) is None
    assert states_of_examples(kept_by_0_1) == ["DELETED", "LIVE", "LIVE", "LIVE"]


def test_what_ingestion_counted_and_refused_is_read(kept_by_0_1):
    folder = kept_by_0_1.artifact("PhotoExampleGen", "examples", 1)
    counted = ingestion.read_ingestion(folder)
    assert counted.rows == 51
    assert counted.photos == {"train": 31, "valid": 10, "test": 8}
    assert counted.refused == {"forgotten": 1, "no_consent": 1}
    assert list(counted.batches) == ["base", "2026-11-02"]
    assert counted.batches["2026-11-02"].photos == {"train": 7, "valid": 1, "test": 2}
    assert counted.batches["2026-11-02"].age_groups["65+"] == 2
    refused = ingestion.read_refused(folder)
    assert [(each.reason, each.table, each.line, each.file_name) for each in refused] == [
        ("forgotten", "2026-11-02/photos.csv", 2, "00.jpg"),
        ("no_consent", "2026-11-02/photos.csv", 13, "11.jpg"),
    ]


def test_examples_are_read_as_the_trainer_reads_them(kept_by_0_1):
    folder = kept_by_0_1.artifact("PhotoExampleGen", "examples", 1)
    ages = inputs.real_ages([f"{folder}/Split-train/*"])
    assert (len(ages), float(ages.min()), float(ages.max())) == (31, 9, 74)
    feature = examples_in(folder)["test", "", "00.jpg"]
    assert feature["real_age"].float_list.value[0] == 15
    assert feature["age_group"].bytes_list.value[0] == b"13-17"
    assert feature["image/width"].int64_list.value[0] == 40
    assert feature["image/brightness"].float_list.value[0] == pytest.approx(46, abs=3)
    encoded = feature["image/encoded"].bytes_list.value[0]
    assert tf.io.decode_jpeg(encoded).shape == (40, 40, 3)


def test_statistics_and_anomalies_are_read(kept_by_0_1):
    read = statistics.read_statistics(kept_by_0_1.artifact("StatisticsGen", "statistics", 2))
    assert {split: of_split.photos for split, of_split in read.items()} == {
        "train": 31,
        "valid": 10,
        "test": 8,
    }
    ages = read["train"].spreads["real_age"]
    assert (ages.minimum, ages.median, ages.maximum) == (9, 36, 74)
    assert read["train"].words["batch"] == {"": 24, "2026-11-02": 7}
    anomalies = kept_by_0_1.artifact("ExampleValidator", "anomalies", 2)
    assert statistics.read_anomalies(anomalies) == ()


def test_what_the_trainer_wrote_is_read(kept_by_0_1):
    first, second = (
        json_file.read(kept_by_0_1.artifact("Trainer", "model_run", run), TRAINING_FILE, Training)
        for run in (1, 2)
    )
    assert (first.weights, len(first.history), first.median_age) == ("none", 20, 40)
    assert (second.weights, len(second.history), second.median_age) == ("champion", 2, 36)
    assert second.history[second.best].val_mae == pytest.approx(0.904, abs=0.001)


def test_what_the_gate_and_the_canary_found_is_read(kept_by_0_1):
    passed, refused = (
        evaluation.read(kept_by_0_1.artifact("Evaluator", "evaluation", run)) for run in (2, 3)
    )
    assert (passed.passed, passed.refusals) == (True, ())
    assert passed.candidate.overall.photos == 8
    assert passed.candidate.overall.mae == pytest.approx(1.3473, abs=1e-4)
    assert passed.baseline.overall.mae == pytest.approx(1.4428, abs=1e-4)
    assert passed.candidate.by_age_group["65+"].mae == pytest.approx(0.4930, abs=1e-4)
    assert refused.refusals == (
        "the test MAE is 1.17 years on 10 photos, above the limit of 0.001 years",
    )
    blessings = [kept_by_0_1.artifact("Evaluator", "blessing", run) for run in (2, 3)]
    assert [canary.is_blessed(uri) for uri in blessings] == [True, False]
    found = canary.read_canary(kept_by_0_1.artifact("Canary", "blessing", 2))
    assert (found.passed, found.refusals) == (True, [])
    assert found.checks["memory_mb"].limit == 4096


@pytest.mark.slow
def test_a_run_goes_on_in_the_kept_work_folder(kept_by_0_1):
    """With the real network: it learns little in one epoch, and all it has to do is to end."""
    changed = (
        "trainer.epochs=1",
        "gate.max_mae=120",
        "gate.champion_tolerance=120",
        'data.batches=["2026-11-02"]',
    )
    line = [str(CUSTOMER_AGE), "run", "--config", str(kept_by_0_1.settings)]
    for override in changed:
        line += ["--set", override]
    ended = subprocess.run(
        line, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert ended.returncode == 0, ended.stdout
    assert "49 photos (31 train, 10 valid, 8 test), 2 refused" in ended.stdout
    assert "baseline: version 2" in ended.stdout
    assert "Published: version 3 of customer-age" in ended.stdout
    registry = open_registry(
        f"mlflow+sqlite:///{kept_by_0_1.work}/registry/mlflow.db", "customer-age"
    )
    measured = registry.version("3").metrics["baseline_mae"]
    # 1.3473 in 0.1, by the days of birth: ages count from the middle of the month now.
    assert measured == pytest.approx(1.3665, abs=1e-3), "the kept champion's, measured again"


# Settings.


def test_every_setting_is_read_as_it_was_or_its_line_says_what_changed(tmp_path):
    """`off` and `no` were booleans in YAML 1.1, and are text in YAML 1.2."""
    written = (KEPT / "every_setting.yaml").read_text()
    with pytest.raises(SettingsError) as refused:
        loading.load(str(KEPT / "every_setting.yaml"))
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    for line, (name, word) in zip(
        lines, (("data.face_crops", "off"), ("trainer.augmentation", "no")), strict=True
    ):
        assert f"{name}: must be true or false, but {word!r} is text" in line
    mended = tmp_path / "every_setting.yaml"
    mended.write_text(
        written.replace("face_crops: off", "face_crops: false").replace(
            "augmentation: no", "augmentation: false"
        )
    )
    kept = json.loads((SAID / "every_setting.json").read_text())
    read = loading.load(str(mended)).model_dump(mode="json")
    assert dict(flat(kept)).items() - dict(flat(read)).items() == set()


def flat(content, path=""):
    """Dotted paths to values, as text; what a later release adds stands beside them."""
    if isinstance(content, dict) and content:
        for name, value in content.items():
            yield from flat(value, f"{path}.{name}")
    else:
        yield path, json.dumps(content)


def test_the_shops_settings_are_read_as_they_were(kept_by_0_1):
    settings = loading.load(str(kept_by_0_1.settings))
    assert (settings.name, settings.work_dir) == ("shop", str(kept_by_0_1.work))
    assert settings.trainer.learning_rate == 0.02
    assert settings.trainer.augmentation is False
    assert settings.retraining.tries == 2
    assert settings.person_key_file == str(kept_by_0_1.work / "person.key")
    assert settings.ledger_uri == f"sqlite:///{kept_by_0_1.work}/retraining/ledger.sqlite"
