"""The gate measures the same however the work is divided."""

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from customer_age.components.evaluator import merged_metrics

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
    [computation] = metric.computations(eval_config=config_pb2.EvalConfig())
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


def test_they_have_the_names_of_tfmas_own_metrics():
    assert merged_metrics.MergedMeanAbsoluteError().name == "mean_absolute_error"
    assert merged_metrics.MergedMeanSquaredError().name == "mean_squared_error"
