"""What the DataGate asks of the data, a sentence for each thing that is wrong."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2

_HARMLESS = ("duplicate", "no_consent", "forgotten")
"""Signs of nothing wrong: of identical photos with one age, one was kept; and who did not consent,
or asked to be forgotten, is rightly left out."""

_AGE_REASONS = ("age_missing", "age_not_a_number", "age_out_of_range")


def anomaly_sentences(split: str, anomalies: anomalies_pb2.Anomalies) -> Iterator[str]:
    """TFDV's anomalies of one split, in words."""
    if anomalies.HasField("dataset_anomaly_info"):
        yield f"{split}: {_words(anomalies.dataset_anomaly_info.description)}"
    for feature, info in sorted(anomalies.anomaly_info.items()):
        name = feature.strip("'")
        yield f"{split}: {name}: {_words(info.description)}"


def refusal_sentences(
    ingestion: Mapping[str, Any],
    refusals: Iterable[Mapping[str, str]],
    max_refused_share: float,
    max_wrong_ages: int,
) -> Iterator[str]:
    """Photos that were left out, where there are too many of them.

    Args:
        ingestion: the content of PhotoExampleGen's `ingestion.json`.
        refusals: the rows of its `refused.csv`.
        max_refused_share: of the table's rows, 0 to 1.
        max_wrong_ages: rows whose age is no age, at most.
    """
    refused = {
        reason: number for reason, number in ingestion["refused"].items() if reason not in _HARMLESS
    }
    wrong_ages = sum(refused.get(reason, 0) for reason in _AGE_REASONS)
    if wrong_ages > max_wrong_ages:
        yield (
            f"{_rows(wrong_ages)} without a usable age{_first(refusals, _AGE_REASONS)}; "
            f"correct the table, or raise data.max_wrong_ages (it is {max_wrong_ages})"
        )
    rows, count = ingestion["rows"], sum(refused.values())
    if rows and count / rows > max_refused_share:
        reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(refused.items()))
        yield (
            f"{count} of {_rows(rows)} refused ({count / rows:.1%}: {reasons}), more than "
            f"data.max_refused_share allows ({max_refused_share:.1%})"
        )


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number:,} rows"


def _first(refusals: Iterable[Mapping[str, str]], reasons: tuple[str, ...]) -> str:
    """The first refusal for one of the reasons, so that a person knows where to look."""
    for refusal in refusals:
        if refusal["reason"] in reasons:
            return (
                f" (first: {refusal['table']}, line {refusal['line']}, "
                f"{refusal['file_name']}: {refusal['detail']})"
            )
    return ""


def _words(description: str) -> str:
    return " ".join(description.split())
