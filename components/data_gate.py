"""The TFX component DataGate: only data that are as the schema and the limits ask pass it."""

from collections.abc import Iterable, Iterator

from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts

from customer_age.errors import DataRefused
from customer_age.files import store
from customer_age.schema.refusals import Reason, Refusal

from .artifacts import json_file
from .artifacts.ingestion import Ingestion, read_ingestion, read_refused
from .artifacts.types import DataApproval

_HARMLESS = (Reason.DUPLICATE, Reason.NO_CONSENT, Reason.FORGOTTEN)
"""Signs of nothing wrong: of identical photos with one age, one was kept; and who did not consent,
or asked to be forgotten, is rightly left out."""

_AGE_REASONS = (Reason.AGE_MISSING, Reason.AGE_NOT_A_NUMBER, Reason.AGE_OUT_OF_RANGE)


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


def refusal_sentences(
    ingestion: Ingestion,
    refusals: Iterable[Refusal],
    max_refused_share: float,
    max_wrong_ages: int,
) -> Iterator[str]:
    """Photos that were left out, where there are too many of them.

    Args:
        ingestion: the counts of PhotoExampleGen.
        refusals: the list of the rows that it left out.
        max_refused_share: of the table's rows, 0 to 1.
        max_wrong_ages: rows whose age is no age, at most.
    """
    refused = {
        reason: number for reason, number in ingestion.refused.items() if reason not in _HARMLESS
    }
    wrong_ages = sum(refused.get(reason, 0) for reason in _AGE_REASONS)
    if wrong_ages > max_wrong_ages:
        yield (
            f"{_rows(wrong_ages)} without a usable age{_first(refusals, _AGE_REASONS)}; "
            f"correct the table, or raise data.max_wrong_ages (it is {max_wrong_ages})"
        )
    rows, count = ingestion.rows, sum(refused.values())
    if rows and count / rows > max_refused_share:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(refused.items()))
        yield (
            f"{count} of {_rows(rows)} refused ({count / rows:.1%}: {reasons}), more than "
            f"data.max_refused_share allows ({max_refused_share:.1%})"
        )


def _read_anomalies(artifact: types.Artifact, split: str) -> anomalies_pb2.Anomalies:
    folder = artifact_utils.get_split_uri([artifact], split)
    return anomalies_pb2.Anomalies.FromString(store.read(f"{folder}/{DEFAULT_FILE_NAME}"))


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number:,} rows"


def _first(refusals: Iterable[Refusal], reasons: tuple[Reason, ...]) -> str:
    """The first refusal for one of the reasons, so that a person knows where to look."""
    for refusal in refusals:
        if refusal.reason in reasons:
            return (
                f" (first: {refusal.table}, line {refusal.line}, "
                f"{refusal.file_name}: {refusal.detail})"
            )
    return ""


def _words(description: str) -> str:
    return " ".join(description.split())
