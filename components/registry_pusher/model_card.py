"""The model card of a version in the registry: its metrics, its lineage and its intended use."""

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
"""Characters; MLflow accepts 5,000."""

_METRICS = ("mae", "rmse", "bias", "photos")

_FIT = (
    "**Intended use:** to estimate the age groups of many customers, when a wrong group for some "
    "of them does no harm. Examples: which offers to make, and when each age group shops."
)
_UNFIT = (
    "**Do not use it** for a decision about a single person. Above all, it must not decide on the "
    "sale of age-restricted goods: its predictions are often wrong by many years. Check the date "
    "of birth instead."
)
_SIGNATURE = (
    "`serving_default` takes `image_bytes`, encoded photos (string, [batch]). It returns `age`, "
    "years (float32, [batch]), and `reason` (string, [batch]). If a photo has no age, `age` is -1 "
    "and `reason` is not empty. The model prepares photos as in training: it turns them upright, "
    "converts them to sRGB and shrinks them. It decodes JPEG, PNG, GIF, and BMP without a palette; "
    "`customer-age predict` also decodes WebP, TIFF, HEIC and AVIF."
)


@dataclass(frozen=True)
class Baseline:
    """The model that the candidate was compared with: `champion`, with its version, or `median`."""

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
    """Collect what is known of a blessed model.

    Args:
        model_dir: a SavedModel.
        evaluation: of the model.
        ingestion: the counts of PhotoExampleGen.
        training: the record of the Trainer.
        baseline: of the evaluation.
        lineage: of the run.
        tags: additional ones.
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
    """Return the batches that a model was trained on in addition to the base set, as one tag.

    If the tag is too short, the oldest names are left out: a later report then shows such a batch
    as new again.
    """
    names = sorted(set(ingestion.batches) - {BASE}, reverse=True)
    while len(",".join(names)) > _TAG_LENGTH:
        names.pop()
    return {BATCHES: ",".join(sorted(names))} if names else {}


def _metrics(evaluation: "Evaluation") -> dict[str, float]:
    """Return `mae` and so on for all test photos, `mae/25-34` and so on for an age group."""
    measured = evaluation.candidate
    metrics = {name: float(getattr(measured.overall, name)) for name in _METRICS}
    for group, on_group in measured.by_age_group.items():
        metrics |= {f"{name}/{group}": float(getattr(on_group, name)) for name in _METRICS}
    if evaluation.baseline is not None:
        metrics["baseline_mae"] = evaluation.baseline.overall.mae
    return metrics


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings by their dotted names, as in `--set`."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def _description(evaluation: "Evaluation", ingestion: Ingestion, baseline: Baseline) -> str:
    photos = ingestion.photos
    return "\n\n".join(
        (
            "Predicts a person's age, in years, from a photo of the face.",
            _FIT,
            _UNFIT,
            _result(evaluation.candidate.overall),
            _comparison(evaluation, baseline),
            _table(evaluation.candidate),
            f"It was trained on {photos['train']:,} photos and validated on {photos['valid']:,} "
            "others.",
            _SIGNATURE,
        )
    )


def _result(overall: "SliceMetrics") -> str:
    direction = "old" if overall.bias >= 0 else "young"
    return (
        f"On {overall.photos:,} test photos that training never used, its mean absolute error "
        f"(MAE) is **{overall.mae:.2f} years** and its root mean squared error is "
        f"{overall.rmse:.2f} years. On average it predicts {abs(overall.bias):.2f} years too "
        f"{direction}."
    )


def _comparison(evaluation: "Evaluation", baseline: Baseline) -> str:
    if evaluation.baseline is None:
        return "It was not compared with another model."
    theirs = evaluation.baseline.overall.mae
    gain = theirs - evaluation.candidate.overall.mae
    name = (
        f"version {baseline.version}, the champion at that time,"
        if baseline.kind == "champion"
        else "the median age of the training photos (there was no champion)"
    )
    verdict = "better" if gain >= 0 else "worse, which is within the tolerance"
    return (
        f"On the same photos, {name} had an MAE of {theirs:.2f} years. This version is "
        f"{abs(gain):.2f} years {verdict}."
    )


def _table(measured: "Measured") -> str:
    rows = [
        f"| {group} | {on_group.photos:,} | {on_group.mae:.2f} | {on_group.bias:+.2f} |"
        for group, on_group in measured.by_age_group.items()
    ]
    head = ["| age group | test photos | MAE, years | bias, years |", "| --- | --: | --: | --: |"]
    return "\n".join(head + rows)
