"""The gate, by TFX's real Evaluator over hand-made examples and models of constant answers."""

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils

from customer_age.components.artifacts import evaluation
from customer_age.components.champion import export_median
from customer_age.components.evaluator.component import Executor
from customer_age.schema import features

AGES = {"0-12": [5.0, 7.0], "25-34": [26.0, 30.0, 34.0], "65+": [70.0]}


def _example(age, group):
    feature = {
        features.REAL_AGE: tf.train.Feature(float_list=tf.train.FloatList(value=[age])),
        features.AGE_GROUP: tf.train.Feature(bytes_list=tf.train.BytesList(value=[group.encode()])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path_factory.mktemp("examples"))
    artifact.split_names = artifact_utils.encode_split_names(["test"])
    split = f"{artifact.uri}/Split-test"
    tf.io.gfile.makedirs(split)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(f"{split}/data_tfrecord-00000-of-00001.gz", options) as writer:
        for group, ages in AGES.items():
            for age in ages:
                writer.write(_example(age, group))
    return artifact


@pytest.fixture
def evaluate(examples, tmp_path):
    """Run the Evaluator on two models that always answer one age each."""

    def model(name, age, **properties):
        artifact = standard_artifacts.Model()
        artifact.uri = str(tmp_path / name)
        export_median(age, f"{artifact.uri}/Format-Serving")
        for key, value in properties.items():
            artifact.set_string_custom_property(key, value)
        return artifact

    def run(candidate, baseline, kind="champion", max_mae=8.0, min_photos=5, tolerance=0.2):
        outputs = {
            "evaluation": [standard_artifacts.ModelEvaluation()],
            "blessing": [standard_artifacts.ModelBlessing()],
        }
        for name, [artifact] in outputs.items():
            artifact.uri = str(tmp_path / name)
        executor = Executor()
        executor.Do(
            {
                "examples": [examples],
                "model": [model("candidate", candidate)],
                "baseline_model": [model("baseline", baseline, kind=kind)],
            },
            outputs,
            {
                "max_mae": max_mae,
                "min_test_photos": min_photos,
                "champion_tolerance": tolerance,
                "example_splits": json_utils.dumps(["test"]),
            },
        )
        found = evaluation.read(outputs["evaluation"][0].uri)
        blessed = outputs["blessing"][0].get_int_custom_property("blessed") == 1
        assert blessed == found.passed, "what we read is what TFX acts on"
        return found

    return run


# The six ages are 5, 7, 26, 30, 34 and 70 years: an answer of 28 is off by 16.00 years on average,
# one of 40 by 21.33.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "passed", "refusals"),
    [
        ({"candidate": 28, "baseline": 40, "max_mae": 16.0}, True, []),
        (
            {"candidate": 28, "baseline": 40, "max_mae": 15.9},
            False,
            ["the test MAE is 16.00 years on 6 photos, above the limit of 15.9 years"],
        ),
        (
            {"candidate": 40, "baseline": 28, "max_mae": 30},
            False,
            [
                "the test MAE is 21.33 years and the baseline's is 16.00 years; "
                "the candidate must be at most 0.2 years worse"
            ],
        ),
        ({"candidate": 40, "baseline": 28, "max_mae": 30, "tolerance": 5.4}, True, []),
        (
            {"candidate": 28, "baseline": 28, "max_mae": 30, "kind": "median", "tolerance": 4},
            False,
            [
                "the test MAE is 16.00 years and the baseline's is 16.00 years; "
                "the candidate must be better"
            ],
        ),
        ({"candidate": 28, "baseline": 40, "max_mae": 30, "kind": "median"}, True, []),
        (
            {"candidate": 28, "baseline": 40, "max_mae": 30, "min_photos": 7},
            False,
            ["there are only 6 test photos; the gate needs at least 7"],
        ),
    ],
    ids=[
        "good enough", "above the limit", "worse than the champion", "within the tolerance",
        "no better than the median", "better than the median", "too few photos",
    ],
)  # fmt: skip
def test_the_gate(evaluate, case, passed, refusals):
    found = evaluate(**case)
    assert found.passed is passed
    assert list(found.refusals) == refusals


@pytest.mark.slow
def test_what_is_read_back(evaluate):
    found = evaluate(candidate=28, baseline=40, max_mae=30)
    overall = found.candidate.overall
    assert overall.photos == 6
    assert overall.mae == pytest.approx(96 / 6, abs=1e-3)
    assert overall.rmse == pytest.approx((2778 / 6) ** 0.5, abs=1e-3)
    assert overall.bias == pytest.approx(28 - 172 / 6, abs=1e-3)
    assert list(found.candidate.by_age_group) == ["0-12", "25-34", "65+"]
    assert found.candidate.by_age_group["0-12"].bias == pytest.approx(22)
    assert found.candidate.by_age_group["65+"].photos == 1
    assert found.baseline.overall.mae == pytest.approx(128 / 6)
