"""The result of the Evaluator, read from the files of TFMA."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow_model_analysis as tfma

CANDIDATE = "candidate"
BASELINE = "baseline"
"""The names of the two models in TFMA's results."""

_MAE = "mean_absolute_error"
_MSE = "mean_squared_error"
_MEAN_LABEL = "mean_label"
_MEAN_PREDICTION = "mean_prediction"
_PHOTOS = "example_count"
_OVERALL: tuple = ()


@dataclass(frozen=True)
class SliceMetrics:
    """The metrics of one model on one slice of the test photos; `mae`, `rmse`, `bias` in years.

    `bias` is the mean of predicted minus real age: above 0, the predicted ages are too high.
    """

    photos: int
    mae: float
    rmse: float
    bias: float


@dataclass(frozen=True)
class Measured:
    """The metrics of one model on all test photos, and on each age group that has photos."""

    overall: SliceMetrics
    by_age_group: dict[str, SliceMetrics]


@dataclass(frozen=True)
class Evaluation:
    """The Evaluator's result: the metrics of both models on the same photos, and the gate's."""

    candidate: Measured
    baseline: Measured | None
    passed: bool
    refusals: tuple[str, ...]
    """A sentence for each check that failed."""


def read(uri: str) -> Evaluation:
    """Read the Evaluator's result.

    Args:
        uri: the folder of a `ModelEvaluation` artifact.

    Raises:
        FileNotFoundError: the folder contains no evaluation.
        ValueError: it contains no metrics of a candidate.
    """
    by_model = {
        name: _measured(tfma.load_eval_result(uri, model_name=name).slicing_metrics)
        for name in (CANDIDATE, BASELINE)
    }
    candidate = by_model[CANDIDATE]
    if candidate is None:
        raise ValueError(f"{uri} contains no metrics of a model named {CANDIDATE!r}")
    validation = tfma.load_validation_result(uri)
    return Evaluation(
        candidate=candidate,
        baseline=by_model[BASELINE],
        passed=validation.validation_ok,
        refusals=tuple(_refusals(validation, candidate, by_model[BASELINE])),
    )


def _measured(slicing_metrics: Sequence[tuple[Any, Mapping]]) -> Measured | None:
    """Convert TFMA's slices, which have tuples of (feature, value) pairs as keys."""
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
    """Return the lowest age in an age group's name (`25-34`, `65+`), as a sort key."""
    digits = slice_key[0][1].rstrip("+").split("-")[0] if slice_key else "-1"
    return int(digits)


def _refusals(validation: Any, candidate: Measured, baseline: Measured | None) -> list[str]:
    sentences = []
    for on_slice in validation.metric_validations_per_slice:
        for failure in on_slice.failures:
            sentences.append(_refusal(failure, candidate, baseline))
    if not validation.validation_ok and not sentences:
        sentences.append("the evaluation is incomplete: TFMA found no test photos")
    return sentences


def _refusal(failure: Any, candidate: Measured, baseline: Measured | None) -> str:
    threshold = failure.metric_threshold
    mine = candidate.overall
    if threshold.HasField("change_threshold") and baseline is not None:
        allowed = threshold.change_threshold.absolute.value
        limit = f"at most {allowed:g} years worse" if allowed > 0 else "better"
        return (
            f"the test MAE is {mine.mae:.2f} years and the baseline's is "
            f"{baseline.overall.mae:.2f} years; the candidate must be {limit}"
        )
    if failure.metric_key.name == _PHOTOS:
        fewest = threshold.value_threshold.lower_bound.value
        return f"there are only {mine.photos} test photos; the gate needs at least {fewest:.0f}"
    if failure.metric_key.name == _MAE:
        limit = threshold.value_threshold.upper_bound.value
        return (
            f"the test MAE is {mine.mae:.2f} years on {mine.photos} photos, above the limit of "
            f"{limit:g} years"
        )
    return f"{failure.metric_key.name}: {failure.message or 'outside its limit'}"
