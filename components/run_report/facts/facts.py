"""The facts of one run, and collecting them from the folders that it left behind."""

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
"""The artifacts that a report draws on, as the component names them."""

EXAMPLES_OF_REFUSED = 3
"""How many of the refused photos are named, for each reason."""

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
"""By exit code; every other code is `FAILED`."""


class Limits(BaseModel):
    """What the gate asks of a model.

    Attributes:
        max_mae: years; the test MAE may be this large.
        min_test_photos: how many photos the MAE has to be measured on.
        champion_tolerance: years by which the test MAE may exceed the baseline's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_mae: float
    min_test_photos: int
    champion_tolerance: float


class RunDescription(BaseModel):
    """What is known of a run before it starts; travels into the component as JSON.

    Attributes:
        name: of the run, or of its pipeline.
        settings: as the run resolved them.
        fingerprints: of what went in, by name, such as `data` and `code`.
        limits: of the gate.
        log: where the run's log is.
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
    """The model that the new one is measured against: `champion`, or `median`.

    Attributes:
        kind: which of them.
        version: the champion's.
        batches: that the champion has learnt from.
    """

    kind: str
    version: str = ""
    batches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """The version that the registry gave, and where it put the model."""

    version: str
    destination: str = ""


@dataclass(frozen=True)
class RunFacts:
    """All that the page tells. What a run did not come to is None or empty.

    Attributes:
        run: what was known before the start.
        exit_code: what the run ends with.
        errors: sentences that say what stopped the run.
        started: with or without a time zone; the page shows it as it is.
        seconds: from the start to the end of the run.
        refused_photos: the first few, by reason.
        statistics: by split.
        unread: files that are there but cannot be read, each with its reason.
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
    """Gather what a run left behind, however far it came.

    A file that is missing is a step that was not reached. A file that cannot be read is named in
    `RunFacts.unread` and stops nothing: the page has to say why a run ended even where a full
    disk has cut its files short.

    Args:
        uris: folders of the artifacts, by the names in `INPUTS`; any may be missing.
        run: what was known before the start.
        exit_code: of the run; when None, read from what is there: 0 where a version was
            published, 3 where the gate or the canary refused the model, 1 otherwise.
        errors: what stopped the run, one sentence each.
        started: when the run started.
        seconds: how long it took.
        baseline: what the model was compared with.
        publication: the version that was published.

    Returns:
        The facts.

    Raises:
        ValueError: a key of `uris` is not in `INPUTS`.
    """
    if unknown := sorted(set(uris) - set(INPUTS)):
        raise ValueError(f"no such input of a run report: {', '.join(unknown)}")
    unread: list[str] = []

    def read(key: str, reader: Callable[[str], T | None]) -> T | None:
        if key not in uris:
            return None
        try:
            return reader(uris[key].rstrip("/"))
        except Exception as error:  # whatever it is, the page tells it
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
    """The splits that an anomaly is found in, by feature and sentence."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for anomaly in facts.anomalies or ():
        found[anomaly.feature, anomaly.sentence].append(anomaly.split)
    return found


def _if_there(reader: Callable[[str], T]) -> Callable[[str], T | None]:
    """Make a reader give None where there is no such file."""

    def read(uri: str) -> T | None:
        try:
            return reader(uri)
        except FileNotFoundError:
            return None

    return read


def _first_refused(uri: str) -> dict[str, tuple[Refusal, ...]]:
    """The first few refused photos of an Examples artifact, by reason."""
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
    from ...artifacts import evaluation  # it brings TFMA

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
