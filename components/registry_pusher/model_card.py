"""The model card: what a version in the registry says of its model, and what it is not fit for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_age.model_registry import BATCHES, DEAL, Publication, saved_model_fingerprint

from ..artifacts.ingestion import BASE, Ingestion
from ..artifacts.training import Training
from .lineage import Lineage

if TYPE_CHECKING:
    from ..artifacts.evaluation import Evaluation, Measured, SliceMetrics

_TAG_LENGTH = 4000
"""Characters; MLflow takes 5,000."""

_METRICS = ("mae", "rmse", "bias", "photos")

_FIT = (
    "**Fit for** sorting many customers into age groups, where it does no harm that some are "
    "sorted wrongly: which offers to make, which age groups shop when."
)
_UNFIT = (
    "**Not fit for** any decision about a single person. Above all it must not decide the sale of "
    "age-restricted goods: its guesses are often wrong by many years, and a birth date is not."
)
_SIGNATURE = (
    "`serving_default` takes `image_bytes`, encoded photos (string, [batch]), and gives `age`, "
    "years (float32, [batch]), and `reason` (string, [batch]): empty, or why a photo has no age, "
    "which is -1 then. It decodes JPEG, turned upright by EXIF, PNG, GIF and BMP. Colour profiles "
    "are not applied, as ingestion and `customer-age predict` do."
)


@dataclass(frozen=True)
class Baseline:
    """What the model was measured against: `champion`, with its version, or `median`."""

    kind: str
    version: str


def publication(
    model_dir: Path,
    evaluation: "Evaluation",
    ingestion: Ingestion,
    training: Training,
    baseline: Baseline,
    lineage: Lineage,
    tags: Mapping[str, str] = {},
) -> Publication:
    """Gather what is known of a blessed model.

    Args:
        model_dir: a SavedModel.
        evaluation: of the model.
        ingestion: what PhotoExampleGen counted.
        training: what the Trainer did.
        baseline: of the evaluation.
        lineage: of the run.
        tags: further ones.
    """
    counts = {f"photos_{split}": str(number) for split, number in ingestion.photos.items()}
    return Publication(
        model_dir=model_dir,
        fingerprint=saved_model_fingerprint(model_dir),
        metrics=_metrics(evaluation),
        tags={
            **lineage.tags(),
            **tags,
            **_batches(ingestion),
            **({DEAL: ingestion.deal.model_dump_json()} if ingestion.deal else {}),
            **counts,
            "rows": str(ingestion.rows),
            "refused": str(sum(ingestion.refused.values())),
            "baseline_kind": baseline.kind,
            "training_seconds": f"{training.seconds:.0f}",
            "training_device": training.device,
            "started_from": training.weights,
        },
        settings=dict(_flat(lineage.settings)),
        description=_description(evaluation, ingestion, baseline),
        baseline_version=baseline.version,
    )


def _batches(ingestion: Ingestion) -> dict[str, str]:
    """The batches that a model has learnt from besides the base set, as one tag.

    What a tag cannot hold is left out, the oldest names first: a later report then calls such a
    batch new once more.
    """
    names = sorted(set(ingestion.batches) - {BASE}, reverse=True)
    while len(",".join(names)) > _TAG_LENGTH:
        names.pop()
    return {BATCHES: ",".join(sorted(names))} if names else {}


def _metrics(evaluation: "Evaluation") -> dict[str, float]:
    """`mae` and so on for all test photos, `mae/25-34` and so on for an age group's."""
    measured = evaluation.candidate
    metrics = {name: float(getattr(measured.overall, name)) for name in _METRICS}
    for group, on_group in measured.by_age_group.items():
        metrics |= {f"{name}/{group}": float(getattr(on_group, name)) for name in _METRICS}
    if evaluation.baseline is not None:
        metrics["baseline_mae"] = evaluation.baseline.overall.mae
    return metrics


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings by their dotted names, as the command line takes them."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def _description(evaluation: "Evaluation", ingestion: Ingestion, baseline: Baseline) -> str:
    photos = ingestion.photos
    return "\n\n".join(
        (
            "Guesses a person's age, in years, from a photo of the face.",
            _FIT,
            _UNFIT,
            _result(evaluation.candidate.overall),
            _comparison(evaluation, baseline),
            _table(evaluation.candidate),
            f"Learned from {photos['train']:,} photos, steered by {photos['valid']:,} others.",
            _SIGNATURE,
        )
    )


def _result(overall: "SliceMetrics") -> str:
    direction = "old" if overall.bias >= 0 else "young"
    return (
        f"On {overall.photos:,} test photos that training never saw, its mean absolute error (MAE) "
        f"is **{overall.mae:.2f} years**; its root mean squared error is {overall.rmse:.2f} years, "
        f"and on average it guesses {abs(overall.bias):.2f} years too {direction}."
    )


def _comparison(evaluation: "Evaluation", baseline: Baseline) -> str:
    if evaluation.baseline is None:
        return "It was measured against no other model."
    theirs = evaluation.baseline.overall.mae
    gain = theirs - evaluation.candidate.overall.mae
    who = (
        f"version {baseline.version}, the champion then,"
        if baseline.kind == "champion"
        else "always answering the median age of the training photos, for want of a champion,"
    )
    verdict = "better" if gain >= 0 else "worse, which is within the tolerance"
    return (
        f"On the same photos {who} had an MAE of {theirs:.2f} years: this version is "
        f"{abs(gain):.2f} years {verdict}."
    )


def _table(measured: "Measured") -> str:
    rows = [
        f"| {group} | {on_group.photos:,} | {on_group.mae:.2f} | {on_group.bias:+.2f} |"
        for group, on_group in measured.by_age_group.items()
    ]
    head = ["| age group | test photos | MAE, years | bias, years |", "| --- | --: | --: | --: |"]
    return "\n".join(head + rows)
