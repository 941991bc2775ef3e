"""What the Evaluator found, read from the files of TFMA."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow_model_analysis as tfma

CANDIDATE = "candidate"
BASELINE = "baseline"
"""What the two models are called in TFMA's results."""

_MAE = "mean_absolute_error"
_MSE = "mean_squared_error"
_MEAN_LABEL = "mean_label"
_MEAN_PREDICTION = "mean_prediction"
_PHOTOS = "example_count"
_OVERALL: tuple = ()


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
