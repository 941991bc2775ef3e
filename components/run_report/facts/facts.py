"""The facts of one run, and how to collect them from the folders of its artifacts."""

import enum
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError
from customer_age.files import store
from customer_age.schema.refusals import Refusal

from ...artifacts import json_file, training
from ...artifacts.canary import Canary, is_blessed, read_canary
from ...artifacts.ingestion import Ingestion, read_ingestion, read_refused
from ...artifacts.statistics import Anomaly, SplitStatistics, read_anomalies, read_statistics
from ...artifacts.training import Training

if TYPE_CHECKING:
    from ...artifacts.evaluation import Evaluation

INPUTS = (
    "examples",
    "statistics",
    "anomalies",
    "model_run",
    "evaluation",
    "blessing",
    "infra_blessing",
    "pushed_model",
    "baseline",
)
"""The artifacts that a report reads, by the names of the component's inputs."""

EXAMPLES_OF_REFUSED = 3
"""The number of refused photos that the report names for each reason."""

T = TypeVar("T")


class Verdict(enum.Enum):
    """How a run ended."""

    PUBLISHED = "published"
    MODEL_REFUSED = "model refused"
    DATA_REFUSED = "data refused"
    SETTINGS_REFUSED = "settings refused"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


VERDICTS = {
    0: Verdict.PUBLISHED,
    ModelRefused.exit_code: Verdict.MODEL_REFUSED,
    DataRefused.exit_code: Verdict.DATA_REFUSED,
    SettingsError.exit_code: Verdict.SETTINGS_REFUSED,
    130: Verdict.INTERRUPTED,  # by SIGINT and SIGTERM, as shells count
    143: Verdict.INTERRUPTED,
}
"""By exit code; any other code is `FAILED`."""


class Limits(BaseModel):
    """The limits of the gate.

    Attributes:
        max_mae: the largest test MAE that passes, years.
        min_test_photos: the smallest number of photos that the MAE must be measured on.
        champion_tolerance: years by which the test MAE may exceed the baseline's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_mae: float
    min_test_photos: int
    champion_tolerance: float


class RunDescription(BaseModel):
    """What is known of a run before it starts; passed to the component as JSON.

    Attributes:
        name: of the run, or of its pipeline.
        settings: the run's resolved settings.
        fingerprints: of the run's inputs, by name, such as `data` and `code`.
        limits: of the gate.
        log: location of the run's log.
        registry: URI of the model registry.
        model_name: in that registry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)
    fingerprints: dict[str, str] = Field(default_factory=dict)
    limits: Limits | None = None
    log: str = ""
    registry: str = ""
    model_name: str = ""


@dataclass(frozen=True)
class Baseline:
    """The model that the candidate is compared with.

    Attributes:
        kind: `champion` or `median`.
        version: the champion's.
        batches: that the champion was trained on.
    """

    kind: str
    version: str = ""
    batches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """The version that the registry assigned, and where it stores the model."""

    version: str
    destination: str = ""


@dataclass(frozen=True)
class RunFacts:
    """All facts on the page. The facts of steps that the run did not reach are None or empty.

    Attributes:
        run: what was known before the start.
        exit_code: of the run.
        errors: what stopped the run, one sentence each.
        started: with or without a time zone; the page shows it unchanged.
        seconds: from the start to the end of the run.
        refused_photos: the first few, by reason.
        statistics: by split.
        unread: files that exist but cannot be read, each with its reason.
    """

    run: RunDescription
    exit_code: int
    errors: tuple[str, ...] = ()
    started: datetime | None = None
    seconds: float | None = None
    ingestion: Ingestion | None = None
    refused_photos: Mapping[str, tuple[Refusal, ...]] = field(default_factory=dict)
    statistics: Mapping[str, SplitStatistics] = field(default_factory=dict)
    anomalies: tuple[Anomaly, ...] | None = None
    training: Training | None = None
    evaluation: "Evaluation | None" = None
    canary: Canary | None = None
    baseline: Baseline | None = None
    publication: Publication | None = None
    unread: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """How the run ended."""
        return VERDICTS.get(self.exit_code, Verdict.FAILED)


def collect(
    uris: Mapping[str, str],
    run: RunDescription,
    *,
    exit_code: int | None = None,
    errors: Sequence[str] = (),
    started: datetime | None = None,
    seconds: float | None = None,
    baseline: Baseline | None = None,
    publication: Publication | None = None,
) -> RunFacts:
    """Collect the facts of a run from its artifacts, even if it stopped early.

    A missing file means that the run did not reach a step. A file that cannot be read is named in
    `RunFacts.unread` and raises no error: the page must show why a run ended even if a full disk
    has truncated the files.

    Args:
        uris: folders of the artifacts, by the names in `INPUTS`; any may be missing.
        run: what was known before the start.
        exit_code: of the run; if None, derived from the artifacts: 0 if a version was published,
            3 if the gate or the canary refused the model, 1 otherwise.
        errors: what stopped the run, one sentence each.
        started: when the run started.
        seconds: from the start to the end of the run.
        baseline: the model that the candidate was compared with.
        publication: the version that was published.

    Returns:
        The facts.

    Raises:
        ValueError: a key of `uris` is not in `INPUTS`.
    """
    if unknown := sorted(set(uris) - set(INPUTS)):
        raise ValueError(f"unknown inputs of a run report: {', '.join(unknown)}")
    unread: list[str] = []

    def read(key: str, reader: Callable[[str], T | None]) -> T | None:
        if key not in uris:
            return None
        try:
            return reader(uris[key].rstrip("/"))
        except Exception as error:  # the page shows any error
            reason = " ".join(str(error).split()) or type(error).__name__
            unread.append(f"{key} in {uris[key]}: {reason}")
            return None

    evaluation = read("evaluation", _read_evaluation)
    canary = read("infra_blessing", read_canary)
    if exit_code is None:
        blessed = read("blessing", is_blessed)
        exit_code = _exit_code(publication, evaluation, blessed, canary)
    return RunFacts(
        run=run,
        exit_code=exit_code,
        errors=tuple(line for error in errors for line in error.splitlines() if line.strip()),
        started=started,
        seconds=seconds,
        ingestion=read("examples", _if_there(read_ingestion)),
        refused_photos=read("examples", _if_there(_first_refused)) or {},
        statistics=read("statistics", read_statistics) or {},
        anomalies=read("anomalies", read_anomalies),
        training=read("model_run", _if_there(_read_training)),
        evaluation=evaluation,
        canary=canary,
        baseline=baseline,
        publication=publication,
        unread=tuple(unread),
    )


def anomalies(facts: RunFacts) -> dict[tuple[str, str], list[str]]:
    """Return the splits in which each anomaly was found, by feature and sentence."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for anomaly in facts.anomalies or ():
        found[anomaly.feature, anomaly.sentence].append(anomaly.split)
    return found


def _if_there(reader: Callable[[str], T]) -> Callable[[str], T | None]:
    """Make a reader return None if the file does not exist."""

    def read(uri: str) -> T | None:
        try:
            return reader(uri)
        except FileNotFoundError:
            return None

    return read


def _first_refused(uri: str) -> dict[str, tuple[Refusal, ...]]:
    """Return the first few refused photos of an Examples artifact, by reason."""
    first: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in read_refused(uri):
        if len(first[refusal.reason]) < EXAMPLES_OF_REFUSED:
            first[refusal.reason].append(refusal)
    return {reason: tuple(refusals) for reason, refusals in first.items()}


def _read_training(uri: str) -> Training:
    return json_file.read(uri, training.FILE, Training)


def _read_evaluation(uri: str) -> "Evaluation | None":
    if not store.exists(uri):
        return None
    from ...artifacts import evaluation  # here, because it imports TFMA

    return evaluation.read(uri)


def _exit_code(
    publication: Publication | None,
    evaluation: "Evaluation | None",
    blessed: bool | None,
    canary: Canary | None,
) -> int:
    if publication is not None:
        return 0
    refused_by_gate = blessed is False or (evaluation is not None and not evaluation.passed)
    if refused_by_gate or (canary is not None and not canary.passed):
        return ModelRefused.exit_code
    return RunError.exit_code
