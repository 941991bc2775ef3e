import json

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from customer_age.components.artifacts.ingestion import Ingestion, write_ingestion
from customer_age.pipeline.running import node_summaries
from customer_age.pipeline.running.metadata import ArtifactRecord


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        (
            {"pushed": 1, "pushed_version": "3", "champion": 1},
            "version 3 published as the champion",
        ),
        (
            {"pushed": 1, "pushed_version": "3", "champion": 0},
            "version 3 published but the champion is better",
        ),
        ({"pushed": 0}, "nothing published"),
    ],
)
def test_the_published_version_is_shown(properties, expected):
    outputs = {"pushed_model": ArtifactRecord("nowhere", properties)}
    assert node_summaries.summary("RegistryPusher", outputs) == expected


def test_photos_and_refusals_are_counted(tmp_path):
    counts = Ingestion(
        rows=1300, photos={"train": 1200, "valid": 90}, refused={"duplicate": 10}, seconds=1.0
    )
    write_ingestion(str(tmp_path), counts)
    reported = node_summaries.summary(
        "PhotoExampleGen", {"examples": ArtifactRecord(str(tmp_path))}
    )
    assert reported == "1,290 photos (1,200 train, 90 valid), 10 refused"


def test_the_best_epoch_of_the_whole_network_is_shown(tmp_path):
    epochs = [("head", 1, 9.0), ("whole", 1, 7.0), ("whole", 2, 6.25), ("whole", 3, 6.5)]
    history = [
        {"phase": phase, "epoch": epoch, "loss": 1, "mae": 1, "val_mae": mae, "seconds": 1}
        for phase, epoch, mae in epochs
    ]
    record = {"weights": "random", "input_size": 64, "history": history, "best_epoch": 2}
    record |= {"median_age": 31, "photos": 9, "device": "CPU", "precision": "x", "seconds": 1}
    (tmp_path / "training.json").write_text(json.dumps(record))
    reported = node_summaries.summary("Trainer", {"model_run": ArtifactRecord(str(tmp_path))})
    assert reported == "valid MAE 6.25 years (epoch 2 of 3, CPU)"


def test_anomalies_are_counted_by_split(tmp_path):
    outputs = {"anomalies": ArtifactRecord(str(tmp_path))}
    for split in ("test", "train", "valid"):
        (tmp_path / f"Split-{split}").mkdir()
        anomalies = anomalies_pb2.Anomalies()
        (tmp_path / f"Split-{split}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    assert node_summaries.summary("ExampleValidator", outputs) == "no anomalies"
    for feature in ("real_age", "image_width"):
        anomalies.anomaly_info[feature].description = "odd"
    (tmp_path / "Split-test" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    assert node_summaries.summary("ExampleValidator", outputs) == "anomalies: 2 in test"
