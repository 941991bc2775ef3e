"""TFX's Evaluator with our gate, on models that always answer the same age."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.components import beam_runners
from customer_age.components.artifacts import evaluation
from customer_age.components.artifacts.evaluation import Evaluation
from customer_age.components.champion import export_median
from customer_age.components.evaluator import component
from customer_age.schema import features

AGES = np.random.default_rng(1).uniform(0, 90, 90).astype(np.float32)

Evaluate = Callable[..., tuple[Evaluation, Path]]

pytestmark = pytest.mark.slow


@pytest.fixture
def evaluate(tmp_path) -> Evaluate:
    """Measure a candidate and a baseline; gives what was found, and the blessing's folder."""
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["test"])
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    (tmp_path / "examples" / "Split-test").mkdir(parents=True)
    for shard in range(3):
        file = f"{examples.uri}/Split-test/data_tfrecord-{shard:05}-of-00003.gz"
        with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
            for age in AGES[shard::3]:
                writer.write(_example(age))

    def run(
        candidate: float, baseline: float, kind: str, workers: int = 1
    ) -> tuple[Evaluation, Path]:
        made = {}
        for name, artifact_type in (
            ("model", standard_artifacts.Model),
            ("baseline", standard_artifacts.Model),
            ("evaluation", standard_artifacts.ModelEvaluation),
            ("blessing", standard_artifacts.ModelBlessing),
        ):
            made[name] = artifact_type()
            made[name].uri = str(tmp_path / name)
            (tmp_path / name).mkdir()
        export_median(candidate, path_utils.serving_model_dir(made["model"].uri))
        export_median(baseline, path_utils.serving_model_dir(made["baseline"].uri))
        made["baseline"].set_string_custom_property("kind", kind)
        component.Executor(
            base_beam_executor.BaseBeamExecutor.Context(
                beam_pipeline_args=beam_runners.options(workers, []),
                tmp_dir=str(tmp_path / "tmp"),
                unique_id="1",
            )
        ).Do(
            {
                "examples": [examples],
                "model": [made["model"]],
                "baseline_model": [made["baseline"]],
            },
            {"evaluation": [made["evaluation"]], "blessing": [made["blessing"]]},
            {
                "max_mae": 80.0,
                "min_test_photos": 20,
                "champion_tolerance": 0.2,
                "example_splits": '["test"]',
                "fairness_indicator_thresholds": "null",
            },
        )
        return evaluation.read(made["evaluation"].uri), tmp_path / "blessing"

    return run


@pytest.mark.parametrize("workers", [1, 3])
def test_it_finds_the_same_with_any_number_of_workers(evaluate, workers):
    found, _ = evaluate(40.0, 20.0, "champion", workers)
    assert found.passed
    assert found.candidate.overall.photos == 90
    assert found.candidate.overall.mae == pytest.approx(np.abs(AGES - 40).mean(), abs=1e-4)
    rmse = np.sqrt(np.square(AGES - 40).mean())
    assert found.candidate.overall.rmse == pytest.approx(rmse, abs=1e-4)
    assert found.baseline.overall.mae == pytest.approx(np.abs(AGES - 20).mean(), abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "blessed"), [("median", False), ("champion", True)], ids=["median", "champion"]
)
def test_a_first_model_must_beat_the_median_and_a_later_one_may_equal_it(evaluate, kind, blessed):
    found, blessing = evaluate(40.0, 40.0, kind)
    assert found.passed is blessed
    assert (blessing / "BLESSED").exists() is blessed
    if not blessed:
        assert "the candidate must be better" in found.refusals[0]


def test_a_model_within_the_limit_but_worse_than_the_champion_is_refused(evaluate):
    found, blessing = evaluate(20.0, 40.0, "champion")
    assert found.candidate.overall.mae < 80
    assert (blessing / "NOT_BLESSED").exists()
    mine, theirs = found.candidate.overall.mae, found.baseline.overall.mae
    [refusal] = found.refusals
    assert f"MAE is {mine:.2f} years and the baseline's is {theirs:.2f} years" in refusal


def _example(age: float) -> bytes:
    feature = {
        features.IMAGE_ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"photo"])),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"0+"])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
