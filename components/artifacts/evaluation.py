"""The gate: what TFMA measures, what it must find, and how to read what it found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2  # `tfma` itself lacks them on TFX 1.21

from customer_age.schema import features

CANDIDATE = "candidate"
BASELINE = "baseline"

_MERGED_METRICS = "customer_age.components.evaluator.merged_metrics"

_MAE = "mean_absolute_error"
_MSE = "mean_squared_error"
_MEAN_LABEL = "mean_label"
_MEAN_PREDICTION = "mean_prediction"
_PHOTOS = "example_count"
_OVERALL: tuple = ()
_SMALLEST_IMPROVEMENT = 1e-6


@dataclass(frozen=True)
class SliceMetrics:
    """One model on one slice of the test photos; `mae`, `rmse` and `bias` in years.

    `bias` is the mean of predicted minus real age: above 0, the model guesses too old.
    """

    photos: int
    mae: float
    rmse: float
    bias: float


@dataclass(frozen=True)
class Measured:
    """One model on all test photos, and on those of each age group that has any."""

    overall: SliceMetrics
    by_age_group: dict[str, SliceMetrics]


@dataclass(frozen=True)
class Evaluation:
    """What the Evaluator found: both models on the same photos, and the gate's answer."""

    candidate: Measured
    baseline: Measured | None
    passed: bool
    refusals: tuple[str, ...]
    """A sentence for each check that failed."""


def eval_config(
    max_mae: float, min_test_photos: int, champion_tolerance: float
) -> config_pb2.EvalConfig:
    """The gate as TFMA's configuration.

    Args:
        max_mae: years; the candidate's mean absolute error may be at most this (inclusive).
        min_test_photos: fewer than this prove nothing, and are refused.
        champion_tolerance: years by which the candidate's error may exceed the baseline's.

    Returns:
        A config for two models, the candidate and the baseline, measured on the same photos,
        overall and by age group. The thresholds stand on the overall slice alone: TFMA takes a
        threshold without a slice to be meant for every slice.
    """
    mae_threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(upper_bound={"value": max_mae}),
        change_threshold=config_pb2.GenericChangeThreshold(
            direction=config_pb2.MetricDirection.LOWER_IS_BETTER,
            absolute={"value": champion_tolerance},
        ),
    )
    photos_threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": min_test_photos})
    )
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(CANDIDATE), _model_spec(BASELINE, is_baseline=True)],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.AGE_GROUP]),
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(
                        module=_MERGED_METRICS,
                        class_name="MergedMeanAbsoluteError",
                        per_slice_thresholds=[_on_all_photos(mae_threshold)],
                    ),
                    config_pb2.MetricConfig(
                        module=_MERGED_METRICS, class_name="MergedMeanSquaredError"
                    ),
                    config_pb2.MetricConfig(class_name="MeanLabel"),
                    config_pb2.MetricConfig(class_name="MeanPrediction"),
                    config_pb2.MetricConfig(
                        class_name="ExampleCount",
                        per_slice_thresholds=[_on_all_photos(photos_threshold)],
                    ),
                ]
            )
        ],
    )


def require_improvement(config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """The same gate for a first model: better than the median predictor, without tolerance.

    Returns:
        A copy whose change threshold lets nothing pass that is not strictly below the baseline
        (TFMA's own comparison is inclusive).
    """
    strict = config_pb2.EvalConfig()
    strict.CopyFrom(config)
    for metric in strict.metrics_specs[0].metrics:
        for on_slice in metric.per_slice_thresholds:
            if on_slice.threshold.HasField("change_threshold"):
                on_slice.threshold.change_threshold.absolute.value = -_SMALLEST_IMPROVEMENT
    return strict


def read(uri: str) -> Evaluation:
    """Read what the Evaluator wrote.

    Args:
        uri: the folder of a `ModelEvaluation` artifact.

    Raises:
        FileNotFoundError: there is no evaluation in it.
        ValueError: it holds no metrics of a candidate.
    """
    by_model = {
        name: _measured(tfma.load_eval_result(uri, model_name=name).slicing_metrics)
        for name in (CANDIDATE, BASELINE)
    }
    candidate = by_model[CANDIDATE]
    if candidate is None:
        raise ValueError(f"{uri} holds no metrics of a model named {CANDIDATE!r}")
    validation = tfma.load_validation_result(uri)
    return Evaluation(
        candidate=candidate,
        baseline=by_model[BASELINE],
        passed=validation.validation_ok,
        refusals=tuple(_refusals(validation, candidate, by_model[BASELINE])),
    )


def _model_spec(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        model_type=tfma.TF_GENERIC,
        signature_name="serving_examples",
        label_key=features.REAL_AGE,
        prediction_key="age",
        is_baseline=is_baseline,
    )


def _on_all_photos(threshold: config_pb2.MetricThreshold) -> config_pb2.PerSliceMetricThreshold:
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )


def _measured(slicing_metrics: Sequence[tuple[Any, Mapping]]) -> Measured | None:
    """TFMA's slices, as tuples of (feature, value) pairs, to our two views of them."""
    slices = {}
    for key, outputs in slicing_metrics:
        values = {
            name: metric["doubleValue"]
            for name, metric in outputs.get("", {}).get("", {}).items()
            if "doubleValue" in metric
        }
        if _MAE in values:
            slices[tuple(key)] = SliceMetrics(
                photos=int(values[_PHOTOS]),
                mae=values[_MAE],
                rmse=math.sqrt(values[_MSE]),
                bias=values[_MEAN_PREDICTION] - values[_MEAN_LABEL],
            )
    if _OVERALL not in slices:
        return None
    return Measured(
        overall=slices[_OVERALL],
        by_age_group={
            key[0][1]: metrics
            for key, metrics in sorted(slices.items(), key=lambda item: _first_year(item[0]))
            if key != _OVERALL
        },
    )


def _first_year(slice_key: tuple) -> int:
    """The lowest age of an age group's name (`25-34`, `65+`), to sort by."""
    digits = slice_key[0][1].rstrip("+").split("-")[0] if slice_key else "-1"
    return int(digits)


def _refusals(validation: Any, candidate: Measured, baseline: Measured | None) -> list[str]:
    sentences = []
    for on_slice in validation.metric_validations_per_slice:
        for failure in on_slice.failures:
            sentences.append(_refusal(failure, candidate, baseline))
    if not validation.validation_ok and not sentences:
        sentences.append("the evaluation is incomplete: TFMA found no test photos to measure")
    return sentences


def _refusal(failure: Any, candidate: Measured, baseline: Measured | None) -> str:
    threshold = failure.metric_threshold
    mine = candidate.overall
    if threshold.HasField("change_threshold") and baseline is not None:
        allowed = threshold.change_threshold.absolute.value
        limit = f"at most {allowed:g} years worse" if allowed > 0 else "better"
        return (
            f"MAE {mine.mae:.2f} years against the baseline's {baseline.overall.mae:.2f}: "
            f"it must be {limit}"
        )
    if failure.metric_key.name == _PHOTOS:
        fewest = threshold.value_threshold.lower_bound.value
        return f"only {mine.photos} test photos, fewer than the {fewest:.0f} that the gate needs"
    if failure.metric_key.name == _MAE:
        limit = threshold.value_threshold.upper_bound.value
        return (
            f"MAE {mine.mae:.2f} years on {mine.photos} test photos, above the limit of {limit:g}"
        )
    return f"{failure.metric_key.name}: {failure.message or 'outside its limit'}"
