"""Runs as they end, with artifacts written as the real components write them."""

import csv
import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.utils import writer_utils

from customer_age.components.artifacts.evaluation import Evaluation, Measured, SliceMetrics
from customer_age.components.canary import checks
from customer_age.components.canary.requests import ALONE, BATCH, STORED
from customer_age.components.canary.worker_process import Answer, Measurements
from customer_age.components.run_report.facts import facts
from customer_age.schema import features

GROUPS = {"0-12": 0, "13-17": 13, "18-24": 18, "25-34": 25, "35-44": 35, "45-54": 45, "55-64": 55}
GROUPS |= {"65+": 65}

SPLITS = {"train": 400, "valid": 130, "test": 200}

REFUSED = (
    ("labels.csv", 17, "000015.jpg", "unreadable", "cannot identify image file"),
    ("labels.csv", 40, "<b>bold</b>.jpg", "unreadable", "truncated after 812 bytes"),
    ("labels.csv", 91, "000089.jpg", "photo_missing", ""),
)

# No photo is a PNG, and some people are older: two anomalies in each split.
SCHEMA = text_format.Parse(
    """
    feature { name: "image/format" type: BYTES domain: "formats" presence { min_fraction: 1 } }
    feature { name: "image/mode" type: BYTES }
    feature { name: "image/width" type: INT }
    feature { name: "image/height" type: INT }
    feature { name: "image/byte_size" type: INT }
    feature { name: "image/squareness" type: FLOAT }
    feature { name: "image/brightness" type: FLOAT }
    feature { name: "image/sharpness" type: FLOAT }
    feature { name: "real_age" type: FLOAT float_domain { min: 0 max: 60 } }
    feature { name: "age_group" type: BYTES }
    string_domain { name: "formats" value: "PNG" }
    """,
    schema_pb2.Schema(),
)


def photos_of(split: str) -> pd.DataFrame:
    photos = SPLITS[split]
    draw = np.random.default_rng(photos)
    ages = np.clip(draw.gamma(5.2, 6.4, photos), 1, 95).round()
    width = draw.integers(180, 1400, photos)
    square = draw.random(photos) < 0.7
    height = np.where(square, width, (width * draw.uniform(1.05, 1.5, photos)).astype(int))
    places = np.searchsorted(list(GROUPS.values()), ages, "right") - 1
    return pd.DataFrame(
        {
            features.IMAGE_FORMAT: "JPEG",
            features.IMAGE_MODE: np.where(np.arange(photos) % 50 > 0, "RGB", "L"),
            features.IMAGE_WIDTH: width,
            features.IMAGE_HEIGHT: height,
            features.IMAGE_BYTE_SIZE: width * height // 8,
            features.IMAGE_SQUARENESS: width / height,
            features.IMAGE_BRIGHTNESS: np.clip(draw.normal(118, 32, photos), 12, 240),
            features.IMAGE_SHARPNESS: draw.gamma(2.0, 260.0, photos),
            features.REAL_AGE: ages,
            features.AGE_GROUP: np.array(list(GROUPS))[places],
        }
    )


@pytest.fixture(scope="session")
def frames() -> dict[str, pd.DataFrame]:
    return {split: photos_of(split) for split in SPLITS}


@pytest.fixture(scope="session")
def uris(tmp_path_factory: pytest.TempPathFactory, frames) -> dict[str, str]:
    """Folders of examples, statistics, anomalies, model_run and infra_blessing."""
    root = tmp_path_factory.mktemp("artifacts")
    for split, frame in frames.items():
        statistics = tfdv.generate_statistics_from_dataframe(frame)
        write(root / f"statistics/Split-{split}/FeatureStats.pb", statistics.SerializeToString())
        anomalies = root / f"anomalies/Split-{split}/SchemaDiff.pb"
        anomalies.parent.mkdir(parents=True)
        writer_utils.write_anomalies(str(anomalies), tfdv.validate_statistics(statistics, SCHEMA))
    ingestion = {
        "rows": sum(SPLITS.values()) + len(REFUSED),
        "photos": SPLITS,
        "refused": {"unreadable": 2, "photo_missing": 1},
        "seconds": 41.3,
    }
    write(root / "examples/ingestion.json", json.dumps(ingestion).encode())
    with (root / "examples/refused.csv").open("w", newline="", encoding="utf-8") as file:
        columns = ("table", "line", "file_name", "reason", "detail")
        csv.writer(file).writerows([columns, *REFUSED])
    write(root / "model_run/training.json", json.dumps(training()).encode())
    write(root / "infra_blessing/canary.json", json.dumps(canary()).encode())
    keys = ("examples", "statistics", "anomalies", "model_run", "infra_blessing")
    return {key: str(root / key) for key in keys}


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def training() -> dict:
    history = [
        {"phase": phase, "epoch": epoch, "loss": mae, "mae": mae, "val_mae": val, "seconds": 74.0}
        for phase, epoch, mae, val in (
            ("head", 1, 13.82, 11.9),
            ("head", 2, 11.1, 10.71),
            ("head", 3, 10.42, 10.33),
            ("whole", 1, 8.92, 8.4),
            ("whole", 2, 7.21, 7.12),
            ("whole", 3, 6.03, 6.61),
            ("whole", 4, 5.11, 6.37),
            ("whole", 5, 4.4, 6.48),
            ("whole", 6, 3.9, 6.55),
        )
    ]
    return {
        "history": history,
        "best_epoch": 4,
        "median_age": 31.0,
        "device": "2 CPU cores",
        "precision": "float32",
        "weights": "imagenet",
        "seconds": 752.4,
        "input_size": 160,
    }


def canary() -> dict:
    """A model that is fit to serve."""
    limits = checks.Limits(seconds_per_photo=2.0, memory_mb=4096)
    age, batch = ((31.25,),), ((31.25, 40.0), (31.25, 40.0))
    answers = {
        ALONE: Answer(age * 3, (1.3, 0.0286, 0.0286)),
        BATCH: Answer(batch, (1.7, 1.62)),
        STORED: Answer(((31.252, 40.0),), (1.7,)),
    }
    return checks.judge(Measurements(answers, 1_110_000_000, ""), limits).as_json()


@pytest.fixture(scope="session")
def run() -> facts.RunDescription:
    return facts.RunDescription(
        name="faces-2025-11-24",
        settings={
            "data": {"folder": "/data/faces", "max_refused_share": 0.05},
            "trainer": {"weights": "imagenet", "head_epochs": 3, "epochs": 6},
            "registry": {"uri": "https://ada:pa55w0rd@mlflow.example.org", "token": "s3cr3t"},
        },
        fingerprints={"data": "9f31c2d07b55", "code": "c0ffee123456"},
        limits=facts.Limits(max_mae=8.0, min_test_photos=100, champion_tolerance=0.25),
        log="/srv/runs/1/run.log",
        registry="https://ada:pa55w0rd@mlflow.example.org",
    )


@pytest.fixture(scope="session")
def measured() -> Callable[[float], Measured]:
    """One model on the test photos: its errors follow its overall MAE."""

    def of(mae: float) -> Measured:
        shape = {
            "0-12": (24, 0.82, 3.1),
            "13-17": (31, 0.7, 2.24),
            "18-24": (214, 0.68, 1.6),
            "25-34": (388, 0.79, 0.42),
            "35-44": (297, 1.02, -0.9),
            "45-54": (163, 1.21, -2.6),
            "55-64": (88, 1.55, -4.71),
            "65+": (17, 2.17, -9.3),
        }
        return Measured(
            overall=SliceMetrics(photos=1222, mae=mae, rmse=mae * 1.31, bias=-0.38),
            by_age_group={
                group: SliceMetrics(photos, mae * factor, mae * factor * 1.25, bias)
                for group, (photos, factor, bias) in shape.items()
            },
        )

    return of


@pytest.fixture
def published(uris, run, measured) -> facts.RunFacts:
    """All sections: a first model that beat the median predictor and was published."""
    collected = facts.collect(
        uris,
        run,
        exit_code=0,
        started=datetime(2025, 11, 24, 8, 15, 2),
        seconds=1043.0,
        baseline=facts.Baseline("median"),
        publication=facts.Publication("3", "models:/customer-age/3"),
    )
    return dataclasses.replace(
        collected, evaluation=Evaluation(measured(6.42), measured(11.31), True, ())
    )
