from dataclasses import replace
from pathlib import Path

import pytest

from customer_age.components.artifacts.evaluation import Evaluation, Measured, SliceMetrics
from customer_age.components.artifacts.ingestion import Ingestion
from customer_age.components.artifacts.training import Training
from customer_age.components.registry_pusher.lineage import Lineage
from customer_age.components.registry_pusher.model_card import Baseline, publication
from customer_age.model_registry import DEAL, saved_model_fingerprint
from customer_age.schema.split_deal import Deal

EVALUATION = Evaluation(
    candidate=Measured(
        overall=SliceMetrics(photos=1978, mae=5.4321, rmse=7.25, bias=-0.5),
        by_age_group={
            "25-34": SliceMetrics(photos=1200, mae=4.0, rmse=5.0, bias=0.25),
            "65+": SliceMetrics(photos=778, mae=7.64, rmse=9.0, bias=-1.66),
        },
    ),
    baseline=Measured(SliceMetrics(photos=1978, mae=5.6, rmse=7.5, bias=0.0), {}),
    passed=True,
    refusals=(),
)

INGESTION = Ingestion(
    rows=7600,
    photos={"train": 4113, "valid": 1500, "test": 1978},
    refused={"unreadable": 7, "duplicate": 2},
    seconds=31.5,
)

TRAINING = Training(
    weights="imagenet",
    input_size=224,
    history=[],
    best_epoch=4,
    median_age=31.0,
    photos=4113,
    device="1 GPU: Tesla T4",
    precision="mixed_float16",
    seconds=1234.5,
)

LINEAGE = Lineage(
    run_key="0123456789abcdef",
    data_fingerprint="fedcba",
    weights_fingerprint="imagenet",
    code_version="c0de",
    tfx_version="1.16.0",
    settings={
        "trainer": {"epochs": 3, "weights": "imagenet"},
        "data": {"batches": ["b"], "x": None},
    },
)

CHAMPION = Baseline("champion", "3")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    return tmp_path


def test_metrics_hold_all_test_photos_and_each_age_group(model):
    metrics = publication(model, EVALUATION, INGESTION, TRAINING, CHAMPION, LINEAGE).metrics
    assert metrics["mae"] == 5.4321
    assert metrics["rmse"] == 7.25
    assert metrics["bias"] == -0.5
    assert metrics["photos"] == 1978
    assert metrics["mae/65+"] == 7.64
    assert metrics["photos/25-34"] == 1200
    assert metrics["baseline_mae"] == 5.6
    assert len(metrics) == 4 * 3 + 1


def test_tags_hold_the_lineage_and_the_counts(model):
    more = {"run_id": "spring"}
    published = publication(model, EVALUATION, INGESTION, TRAINING, CHAMPION, LINEAGE, more)
    assert published.fingerprint == saved_model_fingerprint(model)
    assert published.baseline_version == "3"
    assert published.tags == {
        "run_key": "0123456789abcdef",
        "data_fingerprint": "fedcba",
        "weights_fingerprint": "imagenet",
        "code_version": "c0de",
        "tfx_version": "1.16.0",
        "run_id": "spring",
        "photos_train": "4113",
        "photos_valid": "1500",
        "photos_test": "1978",
        "rows": "7600",
        "refused": "9",
        "baseline_kind": "champion",
        "training_seconds": "1234",
        "training_device": "1 GPU: Tesla T4",
        "started_from": "imagenet",
    }
    assert published.settings == {
        "trainer.epochs": "3",
        "trainer.weights": "imagenet",
        "data.batches": '["b"]',
        "data.x": "null",
    }


def test_the_description_names_what_the_model_must_not_decide(model):
    description = publication(model, EVALUATION, INGESTION, TRAINING, CHAMPION, LINEAGE).description
    assert "Do not use it" in description
    assert "must not decide on the sale of age-restricted goods" in description


def test_the_description_names_the_figures(model):
    description = publication(model, EVALUATION, INGESTION, TRAINING, CHAMPION, LINEAGE).description
    assert "1,978 test photos" in description
    assert "**5.43 years**" in description
    assert "0.50 years too young" in description
    assert "version 3, the champion at that time, had an MAE of 5.60 years" in description
    assert "0.17 years better." in description
    assert "| 65+ | 778 | 7.64 | -1.66 |" in description
    assert "4,113 photos" in description


def test_the_description_names_other_baselines(model):
    median = publication(model, EVALUATION, INGESTION, TRAINING, Baseline("median", ""), LINEAGE)
    assert "the median age of the training photos (there was no champion) had" in median.description
    assert median.baseline_version == ""
    weak = replace(EVALUATION, baseline=Measured(SliceMetrics(1978, 5.4, 7, 0), {}))
    worse = publication(model, weak, INGESTION, TRAINING, CHAMPION, LINEAGE).description
    assert "0.03 years worse, which is within the tolerance." in worse
    alone = replace(EVALUATION, baseline=None)
    published = publication(model, alone, INGESTION, TRAINING, CHAMPION, LINEAGE)
    assert "not compared with another model" in published.description
    assert "baseline_mae" not in published.metrics


def test_the_version_records_how_people_were_assigned_to_splits(model):
    deal = Deal(base="official", split_key="", split_shares="", person_key="")
    dealt = INGESTION.model_copy(update={"deal": deal})
    tags = publication(model, EVALUATION, dealt, TRAINING, CHAMPION, LINEAGE).tags
    assert Deal.model_validate_json(tags[DEAL]) == deal
    assert DEAL not in publication(model, EVALUATION, INGESTION, TRAINING, CHAMPION, LINEAGE).tags
