"""The outcome of a run: the exit code, the sentence and the report."""

import datetime
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from customer_age.components.artifacts.canary import read_canary
from customer_age.components.run_report.facts import facts
from customer_age.errors import ModelRefused, RunError
from customer_age.files import store
from customer_age.schema.batch_names import split_names

from ..graph.create_pipeline import Launch, run_description
from ..settings.settings import Settings
from .metadata import ArtifactRecord, RunRecords

_REPORTED = {
    "examples": ("PhotoExampleGen", "examples"),
    "statistics": ("StatisticsGen", "statistics"),
    "anomalies": ("ExampleValidator", "anomalies"),
    "baseline": ("Champion", "model"),
    "model_run": ("Trainer", "model_run"),
    "evaluation": ("Evaluator", "evaluation"),
    "blessing": ("Evaluator", "blessing"),
    "infra_blessing": ("Canary", "blessing"),
    "pushed_model": ("RegistryPusher", "pushed_model"),
}
"""The reported artifacts of a run: name to node and output."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: an exit code listed in `customer_age.errors`.
        sentence: the last message of the command.
        artifacts: the artifacts that the run produced, by the names in `_REPORTED`.
        log: the run's log file.
        error: the error that stopped the run, if any.
        report: the report page; None if none was written.
    """

    exit_code: int
    sentence: str
    artifacts: Mapping[str, ArtifactRecord]
    log: Path
    error: RunError | None = None
    report: Path | None = None

    def lines(self) -> tuple[str, str]:
        """Return the sentence, and the path of the report."""
        report = self.report or f"could not be written; see the log: {self.log}"
        return self.sentence, f"report: {report}"


@dataclass(frozen=True)
class Page:
    """A run's report.

    Attributes:
        file: the file to write.
        newest: the path of a copy, which replaces that of an earlier run.
        started: when the run started.
    """

    file: Path
    newest: Path
    started: datetime.datetime


def of(
    records: RunRecords, before: int, settings: Settings, log: Path, error: RunError | None
) -> Outcome:
    """Find out how a run ended.

    Args:
        records: the pipeline's metadata.
        before: the newest execution when the run started.
        settings: the run's settings.
        log: the run's log file.
        error: the error that stopped it, if any.
    """
    artifacts = _artifacts(records, before)
    if error is not None:
        return Outcome(error.exit_code, str(error), artifacts, log, error)
    pushed = artifacts["pushed_model"].properties
    if pushed.get("pushed"):
        version = f"version {pushed['pushed_version']} of {settings.registry.model_name}"
        champion = "is the champion" if pushed.get("champion") else "is not the champion"
        sentence = f"Published: {version} {champion}, {_measured(artifacts)}."
        return Outcome(0, sentence, artifacts, log)
    refusal = ModelRefused(" ".join(_refusals(artifacts)))
    return Outcome(refusal.exit_code, str(refusal), artifacts, log)


def write_page(
    page: Page, outcome: Outcome, settings: Settings, launch: Launch | None
) -> Path | None:
    """Write the run's report to the work folder.

    The page of the RunReport component may come from the cache, has neither this run's log nor its
    duration, and does not exist for a run that stopped. So this writes a new page.

    Returns:
        The page, or None if it could not be written; the log then contains the reason.
    """
    from customer_age.components.run_report.pages.report import write_report

    try:
        write_report(_facts(page, outcome, settings, launch), page.file)
        store.copy(str(page.file), str(page.newest))
    except Exception:  # the run's outcome must still be reported
        logging.exception("The report could not be written.")
        return None
    return page.newest


def _facts(
    page: Page, outcome: Outcome, settings: Settings, launch: Launch | None
) -> facts.RunFacts:
    artifacts = outcome.artifacts
    return facts.collect(
        {name: artifact.uri for name, artifact in artifacts.items() if name in facts.INPUTS},
        run_description(settings, launch or Launch(), log=str(outcome.log)),
        exit_code=outcome.exit_code,
        errors=[outcome.sentence] if outcome.error else [],
        started=page.started,
        seconds=(datetime.datetime.now().astimezone() - page.started).total_seconds(),
        baseline=_baseline(artifacts),
        publication=_publication(artifacts),
    )


def _artifacts(records: RunRecords, before: int) -> dict[str, ArtifactRecord]:
    artifacts = {}
    for name, (node_id, output) in _REPORTED.items():
        node = records.node(node_id, since=before)
        if node is not None and node.complete and output in node.outputs:
            artifacts[name] = node.outputs[output]
    return artifacts


def _measured(artifacts: Mapping[str, ArtifactRecord]) -> str:
    from customer_age.components.artifacts import evaluation

    measured = evaluation.read(artifacts["evaluation"].uri).candidate.overall
    return f"with a test MAE of {measured.mae:.2f} years on {measured.photos:,} photos"


def _refusals(artifacts: Mapping[str, ArtifactRecord]) -> Iterator[str]:
    """Return a sentence for each of Evaluator and Canary that did not bless the model."""
    from customer_age.components.artifacts import evaluation

    found = evaluation.read(artifacts["evaluation"].uri)
    if not found.passed:
        yield f"The gate refused the model: {'; '.join(found.refusals)}."
    canary = read_canary(artifacts["infra_blessing"].uri)
    if canary is not None and not canary.passed:
        yield f"The canary refused the model: {'; '.join(canary.refusals)}."


def _baseline(artifacts: Mapping[str, ArtifactRecord]) -> facts.Baseline | None:
    if "baseline" not in artifacts:
        return None
    properties = artifacts["baseline"].properties
    return facts.Baseline(
        str(properties["kind"]),
        str(properties.get("version", "")),
        tuple(split_names(str(properties.get("batches", "")))),
    )


def _publication(artifacts: Mapping[str, ArtifactRecord]) -> facts.Publication | None:
    pushed = artifacts["pushed_model"].properties if "pushed_model" in artifacts else {}
    if not pushed.get("pushed"):
        return None
    return facts.Publication(str(pushed["pushed_version"]), str(pushed["pushed_destination"]))
