"""The metrics of a run, for UIs that compare runs."""

import json
import math

from customer_age.files.store import write_whole

from .facts.facts import RunFacts, anomalies


def of(facts: RunFacts) -> dict[str, float]:
    """Return the metrics of a run.

    Returns:
        Name to value, without the metrics of steps that the run did not reach. Errors are in
        years; `blessed`, `fit_to_serve` and `published` are 1 for yes and 0 for no.
    """
    found: dict[str, float] = {}
    if facts.ingestion is not None:
        found["photos"] = sum(facts.ingestion.photos.values())
        found["refused_photos"] = sum(facts.ingestion.refused.values())
    if facts.anomalies is not None:
        found["anomalies"] = len(anomalies(facts))
    if facts.training is not None and facts.training.best is not None:
        served, best = facts.training.served_mae, facts.training.history[facts.training.best]
        found["valid_mae"] = best.val_mae if served is None else served
    if facts.evaluation is not None:
        mine = facts.evaluation.candidate.overall
        found |= {"mae": mine.mae, "rmse": mine.rmse, "bias": mine.bias, "test_photos": mine.photos}
        if facts.evaluation.baseline is not None:
            found["baseline_mae"] = facts.evaluation.baseline.overall.mae
        found["blessed"] = int(facts.evaluation.passed)
    if facts.canary is not None:
        found["fit_to_serve"] = int(facts.canary.passed)
    found["published"] = int(facts.publication is not None)
    # JSON and the metadata of Kubeflow and Vertex cannot store NaN or infinity.
    return {name: value for name, value in found.items() if math.isfinite(value)}


def write_metrics(metrics: dict[str, float], path: str) -> None:
    """Write the metrics as JSON, atomically.

    Args:
        metrics: from `of`.
        path: of the file; a path, or an address that `files` supports.

    Raises:
        OSError: the file cannot be written.
    """
    write_whole(path, json.dumps(metrics, indent=2).encode())
