import csv
import errno
import io
import json
import os
import shutil
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.testing.util import assert_that, equal_to
from PIL import Image
from tfx.components.util import examples_utils, tfxio_utils
from tfx.types import standard_artifacts

from customer_age.components import beam_runners
from customer_age.components.artifacts.types import PhotoDataSet
from customer_age.components.photo_example_gen import (
    beam_pipeline,
    examples,
    executor,
)
from customer_age.components.photo_example_gen.component import PhotoExampleGen
from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.errors import DataRefused, RunError, SettingsError
from customer_age.labels import open_data_set
from customer_age.photos.decode import read_photo
from customer_age.schema import features

PHOTOS = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory, photo):
    """A hand-out of 40 good photos, each of its own age."""
    folder = tmp_path_factory.mktemp("good") / "data"
    (folder / "final_files").mkdir(parents=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "real_age"])
        for number in range(PHOTOS):
            writer.writerow([f"{number:06d}.jpg", number + 0.5])
            (folder / "final_files" / f"{number:06d}.jpg").write_bytes(photo(number, (160, 96)))
    return folder


@pytest.fixture(scope="module")
def ingested(data, ingest, tmp_path_factory):
    return ingest(data, tmp_path_factory.mktemp("output") / "examples")


def _value(example, name):
    feature = example.features.feature[name]
    (value,) = getattr(feature, feature.WhichOneof("kind")).value
    return value


def test_examples_hold_the_features_of_the_schema(ingested):
    names = {value for name, value in vars(features).items()
             if name.isupper() and isinstance(value, str) and name != "EXTRA"}  # fmt: skip
    for _, example in ingested.by_name().values():
        assert set(example.features.feature) == names


def test_examples_match_the_table_and_the_photo(ingested):
    _, example = ingested.by_name()["000012.jpg"]
    seen = {name: _value(example, name) for name in example.features.feature}
    assert seen["real_age"] == pytest.approx(12.5)
    assert seen["age_group"] == b"0-12"
    assert seen["person"] == seen["batch"] == b""
    assert (seen["image/width"], seen["image/height"]) == (160, 96)
    assert (seen["image/format"], seen["image/mode"]) == (b"JPEG", b"RGB")
    assert seen["image/squareness"] == pytest.approx(0.6)
    assert seen["image/sharpness"] > 0
    stored = Image.open(io.BytesIO(seen["image/encoded"]))
    assert (stored.format, stored.size) == ("JPEG", (107, 64))
    assert seen["image/brightness"] == pytest.approx(
        np.asarray(stored.convert("L")).mean(), abs=0.5
    )


def test_tensorflow_decodes_what_is_stored(ingested):
    (split, example) = ingested.by_name()["000003.jpg"]
    assert tf.io.decode_jpeg(_value(example, "image/encoded")).shape == (64, 107, 3)
    assert split in features.SPLITS


def test_the_artifact_matches_tfxs_example_gens(ingested):
    artifact = ingested.artifact
    assert json.loads(artifact.split_names) == list(features.SPLITS)
    assert examples_utils.get_payload_format_string(artifact) == "FORMAT_TF_EXAMPLE"
    assert examples_utils.get_file_format(artifact) == "tfrecords_gzip"
    assert artifact.get_int_custom_property("photos") == PHOTOS
    assert {entry.name for entry in ingested.uri.iterdir()} == {
        "Split-train", "Split-valid", "Split-test", "refused.csv", "ingestion.json"
    }  # fmt: skip
    assert (ingested.uri / "refused.csv").read_text() == "table,line,file_name,reason,detail\n"


def test_tfxs_readers_can_read_it(ingested):
    """StatisticsGen, Evaluator and the like read through this."""
    runner = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    for split in features.SPLITS:
        tfxio = tfxio_utils.get_split_tfxio([ingested.artifact], split, ["test"])
        with beam.Pipeline(runner=runner) as pipeline:
            rows = (
                pipeline
                | tfxio.BeamSource()
                | beam.FlatMap(lambda batch: batch.column("real_age").flatten().to_pylist())
                | beam.combiners.Count.Globally()
            )
            assert_that(rows, equal_to([ingested.summary["photos"][split]]))


def test_any_number_of_workers_writes_the_same_bytes(data, ingested, ingest, tmp_path):
    again = ingest(data, tmp_path / "examples", workers=1)
    files = [file.relative_to(ingested.uri) for file in ingested.uri.glob("Split-*/*")]
    assert files
    for file in files:
        assert (again.uri / file).read_bytes() == (ingested.uri / file).read_bytes()


def test_shards_are_bounded(monkeypatch, data, ingest, tmp_path):
    assert beam_pipeline.shard_count(1) == 1
    assert beam_pipeline.shard_count(5838) == 23
    assert beam_pipeline.shard_count(10**9) == beam_pipeline.MAX_SHARDS
    monkeypatch.setattr(beam_pipeline, "ROWS_PER_SHARD", 10)
    result = ingest(data, tmp_path / "examples")
    names = [file.name for file in (result.uri / "Split-train").iterdir()]
    assert 1 < len(names) <= 4
    assert all(name.endswith("-of-00004.gz") for name in names)
    assert len(result.by_name()) == PHOTOS


def test_growth_moves_no_photo(data, ingested, ingest, photo, tmp_path):
    grown = shutil.copytree(data, tmp_path / "data")
    with (grown / "labels.csv").open("a") as table:
        for number in range(100, 120):
            table.write(f"{number:06d}.jpg,50\n")
            (grown / "final_files" / f"{number:06d}.jpg").write_bytes(photo(number))
    result = ingest(grown, tmp_path / "examples").by_name()
    for name, (split, _) in ingested.by_name().items():
        assert result[name][0] == split


def test_the_release_gives_the_same_examples_but_for_the_split(data, ingested, ingest, tmp_path):
    release = tmp_path / "release"
    for split, first in [("train", 0), ("valid", 20), ("test", 30)]:
        (release / split).mkdir(parents=True)
        rows = ["file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"]
        for number in range(first, 20 if first == 0 else first + 10):
            name = f"{number:06d}.jpg"
            shutil.copy(data / "final_files" / name, release / split / name)
            rows.append(f"{name},38,30.1,4.2,{number + 0.5}")
        (release / f"gt_avg_{split}.csv").write_text("\n".join(rows))
    result = ingest(release, tmp_path / "examples")
    assert result.summary["photos"] == {"train": 20, "valid": 10, "test": 10}
    mine, theirs = ingested.by_name(), result.by_name()
    assert mine.keys() == theirs.keys()
    assert all(mine[name][1] == theirs[name][1] for name in mine)


def test_one_person_is_in_one_split(ingest, photo, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = ["file_name;real_age;person;batch"]
    for number in range(60):
        (folder / f"{number}.jpg").write_bytes(photo(number))
        rows.append(f"{number}.jpg;30,5;person {number % 20};monday")
    (folder / "labels.csv").write_text("\n".join(rows))
    splits_of_person: dict[bytes, set] = {}
    for split, example in ingest(folder, tmp_path / "examples").by_name().values():
        splits_of_person.setdefault(_value(example, "person"), set()).add(split)
        assert _value(example, "batch") == b"monday"
        assert _value(example, "real_age") == 30.5
    assert len(splits_of_person) == 20
    assert all(len(splits) == 1 for splits in splits_of_person.values())
    assert not any(b"person" in person for person in splits_of_person)


def test_a_photo_that_vanishes_is_refused(data, ingest, tmp_path, monkeypatch):
    fragile = shutil.copytree(data, tmp_path / "data")
    gone = str(fragile / "final_files" / "000007.jpg")
    monkeypatch.setattr(
        examples, "read_photo", lambda path: read_photo(f"{path}.gone" if path == gone else path)
    )
    result = ingest(fragile, tmp_path / "examples")
    assert [(row["file_name"], row["reason"]) for row in result.refused] == [
        ("000007.jpg", "file_missing")
    ]


def test_data_without_a_usable_photo_are_refused_with_the_reasons(ingest, hand_out, tmp_path):
    folder = hand_out([("a.jpg", 30, b"text"), ("b.jpg", 999, b"x"), ("c.jpg", 1, b"text 2")])
    with pytest.raises(DataRefused) as caught:
        ingest(folder, tmp_path / "examples")
    assert "none of 3 photos can be used" in str(caught.value)
    assert "1 age_out_of_range, 2 not_an_image" in str(caught.value)
    assert "a.jpg" in str(caught.value)
    assert not (tmp_path / "examples" / "ingestion.json").exists()


def test_an_empty_split_is_reported_with_a_solution(ingest, hand_out, photo, tmp_path):
    folder = hand_out([("a.jpg", 30, photo(0))])
    with pytest.raises(DataRefused, match="larger share") as caught:
        ingest(folder, tmp_path / "examples")
    assert str(caught.value).count(" and ") == 1
    assert "\n" not in str(caught.value)


def test_a_table_without_its_columns_is_a_settings_error(ingest, hand_out, tmp_path):
    folder = hand_out([("a.jpg", 30, b"x")])
    (folder / "labels.csv").write_text("file_name,age\na.jpg,30\n")
    with pytest.raises(SettingsError, match="no column 'real_age'; there are: file_name, age"):
        ingest(folder, tmp_path / "examples")


@pytest.mark.parametrize("full", ["data_tfrecord", "refused.csv", "ingestion.json"])
def test_a_full_disk_is_reported_and_leaves_nothing_complete(
    data, ingest, tmp_path, monkeypatch, full
):
    fsync = os.fsync

    def synced(handle):
        if full in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    with pytest.raises(RunError, match="no space left") as caught:
        ingest(data, tmp_path / "examples")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "examples" / full).exists()
    assert not (tmp_path / "examples" / "ingestion.json").exists()
    assert not list((tmp_path / "examples").glob("Split-*/*")) or full != "data_tfrecord"


def test_lost_rows_end_the_run(data, ingest, tmp_path, monkeypatch):
    monkeypatch.setattr(beam_pipeline.WriteShard, "process", lambda self, sharded: iter(()))
    with pytest.raises(RunError, match="40 rows resulted in 0 examples"):
        ingest(data, tmp_path / "examples")


def test_the_lineage_records_which_data_were_read(ingested, data, ingest, tmp_path):
    record = json.loads((Path(ingested.data_set.uri) / "data_set.json").read_text())
    seen_from_outside = open_data_set(str(data)).fingerprint()
    assert record == {
        "place": str(data),
        "fingerprint": seen_from_outside,
        "read": [{"name": "", "layout": "hand_out", "tables": ["labels.csv"], "rows": PHOTOS}],
    }
    recorded = {
        name: ingested.data_set.get_string_custom_property(name)
        for name in ("place", "fingerprint", "batches")
    }
    assert recorded == {"place": str(data), "fingerprint": seen_from_outside, "batches": ""}
    known = ingest(data, tmp_path / "examples", data_fingerprint="known before the run")
    assert known.data_set.get_string_custom_property("fingerprint") == "known before the run"


def test_a_run_without_data_is_refused(ingest, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="^data_path: is not set"):
        ingest("", tmp_path / "examples")


def test_the_component_has_its_parameters():
    spec = IngestionSpec(age_groups=("0-17", "18+"), columns={"person": "who"}, inbox="/inbox")
    component = PhotoExampleGen("s3://shop/photos", spec, batches="monday", code="c")
    assert component.id == "PhotoExampleGen"
    assert component.outputs["examples"].type is standard_artifacts.Examples
    assert component.outputs["data_set"].type is PhotoDataSet
    assert not component.inputs, "a launcher would copy everything below the artifact's URI"
    properties = component.exec_properties
    assert properties["data_path"] == "s3://shop/photos"
    assert IngestionSpec.model_validate_json(properties["spec"]) == spec
    assert (properties["batches"], properties["code"]) == ("monday", "c")
    assert component.executor_spec.executor_class is executor.Executor


def test_additional_columns_are_kept_if_requested(hand_out, ingest, photo, tmp_path):
    folder = hand_out([(f"{number}.jpg", 30 + number, photo(number)) for number in range(16)])
    table = folder / "labels.csv"
    header, *rows = table.read_text().splitlines()
    lines = [f"{header},note,secret", *(f"{row},like {row[0]},x" for row in rows)]
    table.write_text("\n".join(lines))
    kept = ingest(folder, tmp_path / "kept", keep_columns=["note"]).by_name()
    assert _value(kept["3.jpg"][1], "extra/note") == b"like 3"
    assert "extra/secret" not in kept["3.jpg"][1].features.feature
    left = ingest(folder, tmp_path / "left").by_name()
    assert not any(name.startswith("extra/") for name in left["3.jpg"][1].features.feature)
    with pytest.raises(SettingsError, match="no column 'mood'"):
        ingest(folder, tmp_path / "none", keep_columns=["mood"])


@pytest.mark.slow
def test_processes_write_the_same_examples(hand_out, ingest, photo, monkeypatch, tmp_path):
    folder = hand_out([(f"{number}.jpg", 20 + number, photo(number)) for number in range(40)])
    threads = ingest(folder, tmp_path / "threads")
    modes = []
    make = executor.Executor._make_beam_pipeline
    monkeypatch.setattr(
        executor.Executor,
        "_make_beam_pipeline",
        lambda self: modes.append(self._beam_pipeline_args) or make(self),
    )
    monkeypatch.setattr(beam_runners, "LARGE", 40)
    processes = ingest(folder, tmp_path / "processes")
    assert "--direct_running_mode=multi_processing" in modes[0]
    assert sum(processes.summary["photos"].values()) == 40
    assert processes.by_name() == threads.by_name()
