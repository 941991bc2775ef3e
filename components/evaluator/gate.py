"""The gate as a TFMA configuration: the metrics, and their limits."""

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2  # `tfma` itself lacks them on TFX 1.21

from customer_age.schema import features

from ..artifacts.evaluation import BASELINE, CANDIDATE

_MERGED_METRICS = "customer_age.components.evaluator.merged_metrics"

_SMALLEST_IMPROVEMENT = 1e-6
"""Years."""


def eval_config(
    max_mae: float, min_test_photos: int, champion_tolerance: float
) -> config_pb2.EvalConfig:
    """Return the gate as a TFMA configuration.

    Args:
        max_mae: largest mean absolute error of the candidate, years, inclusive.
        min_test_photos: a model that is measured on fewer photos is refused.
        champion_tolerance: years by which the candidate's error may exceed the baseline's.

    Returns:
        A config for two models, the candidate and the baseline, measured on the same photos,
        overall and by age group. The thresholds name the overall slice, because TFMA applies a
        threshold without a slice to every slice.
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
    """Return the gate for a first model, which must be better than the median predictor.

    Returns:
        A copy whose change threshold only passes an error strictly below the baseline's (TFMA's
        own comparison is inclusive).
    """
    strict = config_pb2.EvalConfig()
    strict.CopyFrom(config)
    for metric in strict.metrics_specs[0].metrics:
        for on_slice in metric.per_slice_thresholds:
            if on_slice.threshold.HasField("change_threshold"):
                on_slice.threshold.change_threshold.absolute.value = -_SMALLEST_IMPROVEMENT
    return strict


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
