"""The TFX component DataGate: only data that are as the schema and the limits ask pass it."""

from collections.abc import Iterator

from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from customer_age.errors import DataRefused
from customer_age.files import store

from .artifacts import json_file
from .artifacts.ingestion import read_ingestion, read_refused
from .artifacts.types import DataApproval
from .photo_example_gen.refusal_limits import refusal_sentences


@component
def DataGate(
    examples: InputArtifact[standard_artifacts.Examples],
    anomalies: InputArtifact[standard_artifacts.ExampleAnomalies],
    approval: OutputArtifact[DataApproval],
    max_refused_share: Parameter[float],
    max_wrong_ages: Parameter[int],
    code: Parameter[str],
) -> None:
    """Let a run go on only where its data passed.

    ExampleValidator records anomalies and blocks nothing; this component stops the run for them,
    and for photos refused beyond a limit.

    Args:
        examples: of PhotoExampleGen, with its `ingestion.json` and `refused.csv`.
        anomalies: of ExampleValidator.
        approval: `approval.json`, where the data passed.
        max_refused_share: of the table's rows, 0 to 1.
        max_wrong_ages: rows whose age is no age, at most.
        code: a fingerprint of the code; keys TFX's cache.

    Raises:
        DataRefused: a line for each thing that is wrong.
    """
    ingestion = read_ingestion(examples.uri)
    refused = read_refused(examples.uri)
    sentences = [*refusal_sentences(ingestion, refused, max_refused_share, max_wrong_ages)]
    splits = artifact_utils.decode_split_names(anomalies.split_names)
    for split in splits:
        sentences += anomaly_sentences(split, _read_anomalies(anomalies, split))
    if sentences:
        raise DataRefused("\n".join(sentences))
    logging.info("The data passed.")
    json_file.write(approval.uri, "approval.json", {"splits": splits, "rows": ingestion.rows})


def anomaly_sentences(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """TFDV's anomalies of one split, in words."""
    if anomalies.HasField("dataset_anomaly_info"):
        yield f"{split}: {_words(anomalies.dataset_anomaly_info.description)}"
    for feature, info in sorted(anomalies.anomaly_info.items()):
        name = feature.strip("'")
        yield f"{split}: {name}: {_words(info.description)}"


def _read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    folder = artifact_utils.get_split_uri([artifact], split)
    return anomalies_pb2.Anomalies.FromString(store.read(f"{folder}/{DEFAULT_FILE_NAME}"))


def _words(description: str) -> str:
    return " ".join(description.split())
