"""The TFX component DataGate: stops a run if its data break the schema or a limit."""

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
    """Stop a run unless its data passed.

    ExampleValidator records anomalies but stops nothing. This component stops the run if there are
    anomalies, or if too many photos were refused.

    Args:
        examples: of PhotoExampleGen, with its `ingestion.json` and `refused.csv`.
        anomalies: of ExampleValidator.
        approval: gets `approval.json` if the data passed.
        max_refused_share: largest share of refused rows, 0 to 1.
        max_wrong_ages: largest number of rows without a valid age.
        code: a fingerprint of the code; a part of TFX's cache key.

    Raises:
        DataRefused: with a line for each fault.
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
    """Describe TFDV's anomalies of one split, one sentence each."""
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
