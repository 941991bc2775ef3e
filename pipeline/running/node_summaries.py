"""The one fact worth knowing about each component that ended."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .metadata import ArtifactRecord

Outputs = Mapping[str, ArtifactRecord]


def summary(node_id: str, outputs: Outputs) -> str:
    """A few words on what a component found or made, or nothing for one without any."""
    summarize = _SUMMARIES.get(node_id)
    return summarize(outputs) if summarize else ""


def _photos(outputs: Outputs) -> str:
    ingestion = _json(outputs["examples"], "ingestion.json")
    splits = ", ".join(f"{number:,} {split}" for split, number in ingestion["photos"].items())
    refused = sum(ingestion["refused"].values())
    return f"{sum(ingestion['photos'].values()):,} photos in ({splits}), {refused:,} refused"


def _statistics(outputs: Outputs) -> str:
    splits = list(Path(outputs["statistics"].uri).glob("Split-*"))
    return f"TFDV statistics of {len(splits)} splits"


def _anomalies(outputs: Outputs) -> str:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = {}
    for file in sorted(Path(outputs["anomalies"].uri).glob("Split-*/SchemaDiff.pb")):
        anomalies = anomalies_pb2.Anomalies.FromString(file.read_bytes())
        number = len(anomalies.anomaly_info) + anomalies.HasField("dataset_anomaly_info")
        if number:
            found[file.parent.name.removeprefix("Split-")] = number
    listed = ", ".join(f"{number} in {split}" for split, number in found.items())
    return f"anomalies: {listed}" if listed else "no anomalies"


def _approval(outputs: Outputs) -> str:
    return "the data passed"


def _champion(outputs: Outputs) -> str:
    properties = outputs["model"].properties
    if properties.get("kind") == "champion":
        return f"version {properties['version']} is the one to beat"
    return "none yet: the median predictor is the one to beat"


def _training(outputs: Outputs) -> str:
    record = _json(outputs["model_run"], "training.json")
    whole = [epoch for epoch in record["history"] if epoch["phase"] == "whole"]
    best = whole[record["best_epoch"] - 1]
    return (
        f"valid MAE {best['val_mae']:.2f} years "
        f"(epoch {best['epoch']} of {len(whole)}, {record['device']})"
    )


def _evaluation(outputs: Outputs) -> str:
    from customer_age.components.artifacts import evaluation

    found = evaluation.read(outputs["evaluation"].uri)
    measured = found.candidate.overall
    blessed = "blessed" if found.passed else "not blessed"
    return f"test MAE {measured.mae:.2f} years on {measured.photos:,} photos: {blessed}"


def _canary(outputs: Outputs) -> str:
    found = _json(outputs["blessing"], "canary.json")
    checks, fit = found["checks"], "fit" if found["passed"] else "not fit"
    measured = []
    if "seconds_per_photo" in checks:
        measured.append(f"{checks['seconds_per_photo']['measured'] * 1000:.0f} ms a photo")
    if "memory_mb" in checks:
        measured.append(f"{checks['memory_mb']['measured']:,} MB")
    return f"{', '.join(measured)}{': ' if measured else ''}{fit} to serve"


def _version(outputs: Outputs) -> str:
    pushed = outputs["pushed_model"].properties
    if not pushed.get("pushed"):
        return "nothing published"
    role = "as champion" if pushed.get("champion") else "beside a better champion"
    return f"version {pushed['pushed_version']} published {role}"


def _report(outputs: Outputs) -> str:
    size = (Path(outputs["report"].uri) / "report.html").stat().st_size
    return f"one page of {size / 1000:.0f} kB"


def _json(artifact: ArtifactRecord, name: str) -> dict[str, Any]:
    return json.loads((Path(artifact.uri) / name).read_text(encoding="utf-8"))


_SUMMARIES: dict[str, Callable[[Outputs], str]] = {
    "PhotoExampleGen": _photos,
    "StatisticsGen": _statistics,
    "ExampleValidator": _anomalies,
    "DataGate": _approval,
    "Champion": _champion,
    "Trainer": _training,
    "Evaluator": _evaluation,
    "Canary": _canary,
    "RegistryPusher": _version,
    "RunReport": _report,
}
