"""Summarizes the result of each finished component in a few words."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from customer_age.components.artifacts import canary, ingestion, json_file, training, tuning

from .metadata import ArtifactRecord

Outputs = Mapping[str, ArtifactRecord]


def summary(node_id: str, outputs: Outputs) -> str:
    """Return a few words on a component's result; empty if there is no summary for it."""
    summarize = _SUMMARIES.get(node_id)
    return summarize(outputs) if summarize else ""


def _photos(outputs: Outputs) -> str:
    found = ingestion.read_ingestion(outputs["examples"].uri)
    splits = ", ".join(f"{number:,} {split}" for split, number in found.photos.items())
    refused = sum(found.refused.values())
    return f"{sum(found.photos.values()):,} photos ({splits}), {refused:,} refused"


def _statistics(outputs: Outputs) -> str:
    splits = list(Path(outputs["statistics"].uri).glob("Split-*"))
    return f"TFDV statistics of {len(splits)} splits"


def _anomalies(outputs: Outputs) -> str:
    from customer_age.components.artifacts import statistics

    anomalies = statistics.read_anomalies(outputs["anomalies"].uri) or ()
    found = Counter(anomaly.split for anomaly in anomalies)
    listed = ", ".join(f"{number} in {split}" for split, number in found.items())
    return f"anomalies: {listed}" if listed else "no anomalies"


def _approval(outputs: Outputs) -> str:
    return "the data passed"


def _champion(outputs: Outputs) -> str:
    properties = outputs["model"].properties
    if properties.get("kind") == "champion":
        return f"baseline: version {properties['version']}"
    return "no champion yet; baseline: the median predictor"


def _training(outputs: Outputs) -> str:
    found = json_file.read(outputs["model_run"].uri, training.FILE, training.Training)
    whole = [epoch for epoch in found.history if epoch.phase == "whole"]
    best = whole[found.best_epoch - 1]
    served = best.val_mae if found.served_mae is None else found.served_mae
    return f"valid MAE {served:.2f} years (epoch {best.epoch} of {len(whole)}, {found.device})"


def _search(outputs: Outputs) -> str:
    found = json_file.read(outputs["tuner_results"].uri, tuning.FILE, tuning.Trials)
    best = found.best
    return f"{len(found.trials)} trials; best: {best.line() if best else 'diverged'}"


def _evaluation(outputs: Outputs) -> str:
    from customer_age.components.artifacts import evaluation

    found = evaluation.read(outputs["evaluation"].uri)
    measured = found.candidate.overall
    blessed = "blessed" if found.passed else "not blessed"
    return f"test MAE {measured.mae:.2f} years on {measured.photos:,} photos: {blessed}"


def _canary(outputs: Outputs) -> str:
    found = json_file.read(outputs["blessing"].uri, canary.FILE, canary.Canary)
    checks, fit = found.checks, "fit" if found.passed else "not fit"
    measured = []
    if "seconds_per_photo" in checks:
        measured.append(f"{checks['seconds_per_photo'].measured * 1000:.0f} ms a photo")
    if "memory_mb" in checks:
        measured.append(f"{checks['memory_mb'].measured:,} MB")
    return f"{', '.join(measured)}{': ' if measured else ''}{fit} to serve"


def _version(outputs: Outputs) -> str:
    pushed = outputs["pushed_model"].properties
    if not pushed.get("pushed"):
        return "nothing published"
    role = "as the champion" if pushed.get("champion") else "but the champion is better"
    return f"version {pushed['pushed_version']} published {role}"


def _report(outputs: Outputs) -> str:
    size = (Path(outputs["report"].uri) / "report.html").stat().st_size
    return f"one page, {size / 1000:.0f} kB"


_SUMMARIES: dict[str, Callable[[Outputs], str]] = {
    "PhotoExampleGen": _photos,
    "StatisticsGen": _statistics,
    "ExampleValidator": _anomalies,
    "DataGate": _approval,
    "Champion": _champion,
    "Trainer": _training,
    "Tuner": _search,
    "Evaluator": _evaluation,
    "Canary": _canary,
    "RegistryPusher": _version,
    "RunReport": _report,
}
