"""Real processes and real SavedModels: what is fit to serve is blessed, and nothing else."""

from pathlib import Path

import pytest
import tensorflow as tf
from tfx import types
from tfx.components.infra_validator import executor as infra_validator
from tfx.components.pusher.executor import Executor as Pusher
from tfx.types import standard_artifacts

from customer_age.components.canary.component import Canary

pytestmark = pytest.mark.slow


def test_a_good_model_gets_the_blessing_of_an_infra_validator(canary, tiny_model, tmp_path):
    canary.save(tiny_model())
    blessing, found = canary.judge()
    assert found["refusals"] == []
    assert found["passed"] is True
    assert list(found["checks"]) == [
        "questions_unanswered",
        "ages_out_of_range",
        "unusable_without_reason",
        "years_apart_twice",
        "years_apart_alone",
        "years_apart_signatures",
        "years_apart_kinds",
        "seconds_per_photo",
        "seconds_per_photo_p95",
        "seconds_per_batch",
        "seconds_per_batch_p95",
        "memory_mb",
    ]
    assert all(check["passed"] for check in found["checks"].values())
    assert 100 < found["checks"]["memory_mb"]["measured"] < found["checks"]["memory_mb"]["limit"]
    assert found["checks"]["seconds_per_batch"]["limit"] == 64 * 5

    theirs = standard_artifacts.InfraBlessing()
    theirs.uri = str(tmp_path / "theirs")
    infra_validator._mark_blessed(theirs)
    [mark] = Path(theirs.uri).iterdir()
    assert (Path(blessing.uri) / mark.name).read_bytes() == mark.read_bytes()
    assert blessing.mlmd_artifact.custom_properties == theirs.mlmd_artifact.custom_properties


def test_a_refusal_is_marked_as_an_infra_validator_marks_it(canary, tiny_model, tmp_path):
    canary.save(tiny_model(), "serving_default")
    blessing, found = canary.judge()
    [refusal] = found["refusals"]
    assert "did not answer the request 'a photo of 16x16 pixels, prepared as in a run'" in refusal
    assert "the model has no signature serving_examples" in refusal
    theirs = standard_artifacts.InfraBlessing()
    theirs.uri = str(tmp_path / "theirs")
    infra_validator._mark_not_blessed(theirs)
    assert {mark.name for mark in Path(theirs.uri).iterdir()} < {
        file.name for file in Path(blessing.uri).iterdir()
    }
    assert blessing.mlmd_artifact.custom_properties == theirs.mlmd_artifact.custom_properties
    assert Pusher().CheckBlessing({"infra_blessing": [blessing]}) is False


def _not_a_number(ages, photos):
    return tf.where(ages > 40, float("nan"), ages)


def _too_old(ages, photos):
    return ages + 130


def _of_the_shape(ages, photos):
    return ages[:, tf.newaxis]


def _random(ages, photos):
    return ages + tf.random.uniform(tf.shape(ages), 0, 9)


def _by_batch(ages, photos):
    """Depends on what else is in the batch, as a batch normalisation left in training does."""
    return ages - tf.reduce_mean(ages[~tf.math.is_nan(ages)]) / 10


def _by_format(ages, photos):
    """Depends on the file format, not only on the pixels."""
    return ages + tf.cast(tf.strings.substr(photos, 0, 4) == b"\x89PNG", tf.float32)


def _answers_all(ages, photos):
    return tf.where(tf.math.is_nan(ages), 30.0, ages)


def _older(ages, photos):
    return ages + 1.5


def _dies_on_a_small_photo(ages, photos):
    def check(image):
        shape = tf.io.extract_jpeg_shape(image)
        tf.debugging.assert_greater(shape[0], 16, "too small to see anything")
        return 0.0

    is_jpeg = tf.strings.substr(photos, 0, 2) == b"\xff\xd8"
    checks = tf.map_fn(check, photos[is_jpeg], fn_output_signature=tf.float32)
    return ages + tf.reduce_sum(checks)


def _counts_to(number):
    """Takes its time: TensorFlow has no op that sleeps, and a Python one is not saved."""

    def spoiled(ages, photos):
        steps = tf.while_loop(lambda step: step < number, lambda step: [step + 1], [tf.constant(0)])
        return ages + tf.cast(tf.minimum(steps[0], 1), tf.float32)

    return spoiled


def _never_ends(ages, photos):
    steps = tf.while_loop(lambda step: step >= 0, lambda step: [(step + 1) % 9], [tf.constant(0)])
    return ages + tf.cast(steps[0], tf.float32)


def _aborts(without_error):
    def spoiled(ages, photos):
        with tf.control_dependencies([tf.raw_ops.Abort(exit_without_error=without_error)]):
            return tf.identity(ages)

    return spoiled


def _python(ages, photos):
    return tf.numpy_function(lambda values: values, [ages], tf.float32)


@pytest.mark.parametrize(
    ("of_photos", "of_examples", "sentences"),
    [
        (_not_a_number, None, ["an age of nan years for", "numbers from 0 to 120"]),
        (_too_old, None, ["years for a photo of 16x16 pixels; ages must be numbers from 0 to 120"]),
        (
            _of_the_shape,
            None,
            ["16x16 pixels': ValueError: the ages have the shape (1, 1), not (1,)"],
        ),
        (_random, None, ["a batch of 64 photos, sent twice, got ages up to", "more than 0.01"]),
        (_by_batch, None, ["one photo, alone and in a batch, got ages up to", "more than 0.01"]),
        (None, _older, ["serving_default and serving_examples gave ages up to 1.50 years apart"]),
        (
            _by_format,
            None,
            ["the ages as served and as evaluated are 1.0", "years apart, more than 0.3"],
        ),
        (
            _answers_all,
            None,
            ["between two photos: the model did not return a reason for number 2"],
        ),
        (
            _dies_on_a_small_photo,
            None,
            ["a photo of 16x16 pixels': Inv", "too small to see anything"],
        ),
        (
            _python,
            None,
            ["a photo of 16x16 pixels': Inv", "; it also did not answer 11 other requests"],
        ),
        (_aborts(False), None, ["was killed by SIGABRT while it was answering a photo of 16x16"]),
        (_aborts(True), None, ["ended with exit code 0 while it was answering a photo of 16x16"]),
    ],
)
@pytest.mark.one_line
@pytest.mark.usefixtures("worker_with_imports")
def test_an_unfit_model_is_refused_with_a_sentence(
    canary, tiny_model, of_photos, of_examples, sentences
):
    spoilers = {"of_photos": of_photos} if of_photos else {}
    refusals = canary.refusals(tiny_model(**spoilers, of_examples=of_examples or _unspoiled))
    for sentence in sentences:
        assert sentence in refusals[0]
    assert "\n" not in refusals[0]
    if of_photos is _not_a_number:
        assert len(refusals) == 1, "one fault is reported once"


def _unspoiled(ages, photos):
    return ages


@pytest.mark.one_line
def test_a_slow_model_is_refused(canary, tiny_model):
    refusals = canary.refusals(tiny_model(_counts_to(50_000)), max_seconds_per_photo=1e-4)
    alone, _, together, _ = refusals
    assert "one photo took" in alone
    assert "more than canary.max_seconds_per_photo (0.0001 s)" in alone
    assert "more than 64 times canary.max_seconds_per_photo (0.0064 s)" in together


@pytest.mark.one_line
def test_a_model_that_hangs_is_stopped(canary, tiny_model):
    # The limit covers TensorFlow's import too: where that is slow, the next limit is long enough.
    for limit in (20, 60, 240):
        [refusal] = canary.refusals(tiny_model(_never_ends), timeout_seconds=limit)
        assert f"did not finish within {limit} s (canary.timeout_seconds) while it was" in refusal
        assert "last line of its log" not in refusal
        if "answering" in refusal:
            break
    assert "while it was answering" in refusal


@pytest.mark.one_line
def test_a_model_that_needs_too_much_memory_is_refused(canary, tiny_model):
    [refusal] = canary.refusals(tiny_model(), max_memory_mb=50)
    assert "more than canary.max_memory_mb allows (50 MB)" in refusal


def test_a_folder_without_a_model_is_refused(canary, tiny_model):
    canary.save(tiny_model())
    [graph] = Path(canary.model.uri).rglob("saved_model.pb")
    graph.write_bytes(b"cut short")
    _, found = canary.judge()
    assert found["refusals"][0].startswith("the model does not load: ")
    assert "memory_mb" not in found["checks"]


def test_missing_photos_cause_no_traceback(canary, tiny_model):
    canary.save(tiny_model())
    canary.put_examples("valid", 0)
    _, found = canary.judge()
    assert found["refusals"] == ["the split valid has no photo to send"]


def test_the_component_is_wired_with_an_infra_blessing():
    component = Canary(
        model=types.Channel(type=standard_artifacts.Model),
        examples=types.Channel(type=standard_artifacts.Examples),
        max_seconds_per_photo=2.0,
        max_memory_mb=4096,
        timeout_seconds=300,
        photo_spec="{}",
        code="",
    )
    assert component.outputs["blessing"].type is standard_artifacts.InfraBlessing
