"""Runs as they end, with artifacts written as the real components write them."""

import csv
import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from customer_age.components.artifacts.evaluation import Evaluation, Measured, SliceMetrics
from customer_age.components.canary import checks
from customer_age.components.canary.requests import ALONE, BATCH, STORED, Request
from customer_age.components.canary.worker_process import Answer, Measurements
from customer_age.components.run_report.facts import facts
from customer_age.schema.refusals import NO_AGE

REFUSED = (
    ("labels.csv", 17, "000015.jpg", "unreadable", "cannot identify image file"),
    ("labels.csv", 40, "<b>bold</b>.jpg", "unreadable", "truncated after 812 bytes"),
    ("labels.csv", 91, "000089.jpg", "photo_missing", ""),
)


@pytest.fixture(scope="session")
def uris(
    tmp_path_factory: pytest.TempPathFactory, frames, statistics_uris: dict[str, str]
) -> dict[str, str]:
    """Folders of examples, statistics, anomalies, model_run and infra_blessing."""
    root = tmp_path_factory.mktemp("artifacts")
    photos = {split: len(frame) for split, frame in frames.items()}
    ingestion = {
        "rows": sum(photos.values()) + len(REFUSED),
        "photos": photos,
        "refused": {"unreadable": 2, "photo_missing": 1},
        "seconds": 41.3,
    }
    write(root / "examples/ingestion.json", json.dumps(ingestion).encode())
    with (root / "examples/refused.csv").open("w", newline="", encoding="utf-8") as file:
        columns = ("table", "line", "file_name", "reason", "detail")
        csv.writer(file).writerows([columns, *REFUSED])
    write(root / "model_run/training.json", json.dumps(training()).encode())
    write(root / "infra_blessing/canary.json", json.dumps(canary()).encode())
    written = {key: str(root / key) for key in ("examples", "model_run", "infra_blessing")}
    return {**statistics_uris, **written}


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
        "photos": 400,
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
        "kinds": Answer(((31.25,),)),
        "kinds, prepared": Answer(((31.26,),)),
        "unusable": Answer(((31.25, NO_AGE),), reasons=("", "damaged")),
    }
    requests = [
        Request("kinds", "", "", (b"",)),
        Request("kinds, prepared", "", "", (b"",), prepares="kinds"),
        Request("unusable", "", "", (b"",) * 2, unusable=frozenset({1})),
    ]
    return checks.judge(Measurements(answers, 1_110_000_000, ""), limits, requests).model_dump()


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
