"""A run in numbers."""

import dataclasses
import json
import math

import pytest

from customer_age.components.artifacts.evaluation import Evaluation
from customer_age.components.run_report import metrics
from customer_age.components.run_report.facts import facts


def test_the_metrics_of_a_published_run(published):
    found = metrics.of(published)
    mine = published.evaluation.candidate.overall
    assert found == {
        "photos": 730,
        "refused_photos": 3,
        "anomalies": 3,
        "valid_mae": 6.37,
        "mae": 6.42,
        "rmse": pytest.approx(mine.rmse),
        "bias": mine.bias,
        "test_photos": 1222,
        "baseline_mae": 11.31,
        "blessed": 1,
        "fit_to_serve": 1,
        "published": 1,
    }


def test_a_refused_model_is_neither_blessed_nor_published(published, measured):
    refused = dataclasses.replace(
        published,
        publication=None,
        evaluation=Evaluation(measured(9.1), None, False, ("MAE 9.10 years",)),
    )
    found = metrics.of(refused)
    assert (found["blessed"], found["published"]) == (0, 0)
    assert "baseline_mae" not in found


def test_steps_that_a_run_did_not_reach_have_no_metrics(run):
    assert metrics.of(facts.collect({}, run, exit_code=4)) == {"published": 0}


def test_values_that_are_not_numbers_are_left_out(published, measured, tmp_path):
    broken = Evaluation(measured(math.nan), measured(math.inf), False, ("not a number",))
    found = metrics.of(dataclasses.replace(published, evaluation=broken))
    assert not {"mae", "rmse", "baseline_mae"} & set(found)
    assert found["test_photos"] == 1222
    metrics.write_metrics(found, str(tmp_path / "metrics.json"))
    assert json.loads((tmp_path / "metrics.json").read_text()) == found
