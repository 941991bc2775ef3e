"""The gate measures the same however the work is divided."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils, proto_utils

from customer_age.components import evaluation, evaluator, local_runner, merged_metrics
from customer_age.components.champion import median
from customer_age.schema import features

ERRORS = ([1.0, 2.0, 3.0], [10.0], [], [40.0, 50.0])
"""Years, as three workers and an idle one would see them."""


def _input(error: float) -> tfma.metrics.StandardMetricInputs:
    return tfma.metrics.StandardMetricInputs(
        labels=np.array([30.0]), predictions=np.array([30.0 + error]), example_weights=None
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (merged_metrics.MergedMeanAbsoluteError(), 106 / 6),
        (merged_metrics.MergedMeanSquaredError(), (1 + 4 + 9 + 100 + 1600 + 2500) / 6),
    ],
)
def test_partial_results_count_once_each(metric, expected):
    [computation] = metric.computations(eval_config=tfma.EvalConfig())
    combiner = computation.combiner
    partial = []
    for errors in ERRORS:
        accumulator = combiner.create_accumulator()
        for error in errors:
            accumulator = combiner.add_input(accumulator, _input(error))
        partial.append(accumulator)
    for how in (partial, iter(partial), list(reversed(partial))):
        merged = combiner.merge_accumulators(how)
        assert list(combiner.extract_output(merged).values()) == [pytest.approx(expected)]


def test_they_stand_under_the_names_of_tfmas_own():
    assert merged_metrics.MergedMeanAbsoluteError().name == "mean_absolute_error"
    assert merged_metrics.MergedMeanSquaredError().name == "mean_squared_error"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_the_evaluator_finds_the_same_with_any_number_of_workers(workers, tmp_path):
    ages = np.random.default_rng(1).uniform(0, 90, 90).astype(np.float32)
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["test"])
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    (tmp_path / "examples" / "Split-test").mkdir(parents=True)
    for shard in range(3):
        file = f"{examples.uri}/Split-test/data_tfrecord-{shard:05}-of-00003.gz"
        with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions("GZIP")) as writer:
            for age in ages[shard::3]:
                writer.write(_example(age))
    made = {}
    for name, kind in (
        ("model", standard_artifacts.Model),
        ("baseline", standard_artifacts.Model),
        ("evaluation", standard_artifacts.ModelEvaluation),
        ("blessing", standard_artifacts.ModelBlessing),
    ):
        made[name] = kind()
        made[name].uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    median.export(40.0, path_utils.serving_model_dir(made["model"].uri))
    median.export(20.0, path_utils.serving_model_dir(made["baseline"].uri))
    evaluator.Executor(
        base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=local_runner.options(workers, []),
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
            "eval_config": proto_utils.proto_to_json(evaluation.eval_config(80.0, 20, 0.2)),
            "example_splits": '["test"]',
            "fairness_indicator_thresholds": "null",
        },
    )
    found = evaluation.read(made["evaluation"].uri)
    assert found.passed
    assert found.candidate.overall.photos == 90
    assert found.candidate.overall.mae == pytest.approx(np.abs(ages - 40).mean(), abs=1e-4)
    assert found.candidate.overall.rmse == pytest.approx(
        np.sqrt(np.square(ages - 40).mean()), abs=1e-4
    )
    assert found.baseline.overall.mae == pytest.approx(np.abs(ages - 20).mean(), abs=1e-4)


def _example(age: float) -> bytes:
    feature = {
        features.IMAGE_ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"photo"])),
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"0+"])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
