"""How a run ended: the exit code, the sentence, the report."""

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
"""What a run leaves behind, and the node and output that it comes from."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: one of those that `customer_age.errors` lists.
        sentence: what the command line says at the end.
        artifacts: that the run came to, by the names in `_REPORTED`.
        log: the run's log file.
        error: what stopped the run, if something did.
        report: the page that says all this, None where none was written.
    """

    exit_code: int
    sentence: str
    artifacts: Mapping[str, ArtifactRecord]
    log: Path
    error: RunError | None = None
    report: Path | None = None

    def lines(self) -> tuple[str, str]:
        """How it ended, and where that is described."""
        report = self.report or f"none could be written; see the log: {self.log}"
        return self.sentence, f"report: {report}"


@dataclass(frozen=True)
class Page:
    """A run's report.

    Attributes:
        file: where it goes.
        newest: where a copy goes, in the place of an earlier run's.
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
        records: of the pipeline.
        before: the newest execution when the run started.
        settings: of the run.
        log: the run's log file.
        error: what stopped it, if something did.
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
    """Put the run's report where a person finds it.

    RunReport's own page, an artifact that may come from the cache, knows neither this run's log
    nor its time, and is not there for a run that stopped: so it is written anew.

    Returns:
        The page, or None where none could be written: the log says why.
    """
    from customer_age.components.run_report.pages.report import write_report

    try:
        write_report(_facts(page, outcome, settings, launch), page.file)
        store.copy(str(page.file), str(page.newest))
    except Exception:  # the run's own ending must still be told
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
    """A sentence for each of the two that did not bless the model."""
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
