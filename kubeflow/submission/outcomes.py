"""How a run on a cluster ended, according to its service and to the model registry."""

from dataclasses import dataclass

from customer_age.errors import DataRefused, ModelRefused, RunError
from customer_age.model_registry import ModelVersion, open_registry
from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.settings.cluster import COMPONENTS
from customer_age.pipeline.settings.settings import Settings

from .runs import SubmittedRun

_JUDGE_DATA = ("PhotoExampleGen", "DataGate")
"""The components that fail if the data are refused."""

_EXIT_CODES = {
    RunState.PUBLISHED: 0,
    RunState.MODEL_REFUSED: ModelRefused.exit_code,
    RunState.DATA_REFUSED: DataRefused.exit_code,
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended, or that it is still running.

    Attributes:
        state: the state of the run in the ledger of retraining.
        sentence: the reason, in one line.
    """

    state: RunState
    sentence: str

    @property
    def exit_code(self) -> int:
        """The exit code that a local run would have; see `customer_age.errors`."""
        return _EXIT_CODES.get(self.state, RunError.exit_code)


def outcome(run: SubmittedRun, settings: Settings) -> Outcome:
    """Find out how a run ended.

    Args:
        run: as its service reports it now.
        settings: of the pipeline; a run parameter `registry_uri` overrides their registry.

    Raises:
        RunError: the run is over, and its registry cannot be read to see whether it published.
    """
    if not run.finished:
        return Outcome(RunState.RUNNING, f"run {run.run_id} is {run.state}")
    failed = _failed(run)
    refused_by = next((name for name in _JUDGE_DATA if name in failed), None)
    if refused_by is not None:
        return Outcome(
            RunState.DATA_REFUSED, f"{refused_by} refused the data; see its log: {run.link}"
        )
    version = _published(run, settings)
    if version is not None:
        return Outcome(
            RunState.PUBLISHED,
            f"Published: version {version.version} of {settings.registry.model_name}, with a test "
            f"MAE of {version.metrics['mae']:.2f} years.",
        )
    if run.state == "SUCCEEDED":
        return Outcome(
            RunState.MODEL_REFUSED,
            f"The gate or the canary refused the model; see the run's report: {run.link}",
        )
    what = f"{' and '.join(failed)} failed" if failed else f"the run is {run.state}"
    reason = f": {' '.join(run.error.split())}" if run.error else ""
    return Outcome(RunState.FAILED, f"{what}{reason}; see {run.link}")


def _failed(run: SubmittedRun) -> list[str]:
    """Return the failed components; if there are none, other failed tasks, such as drivers."""
    failed = [name for name, state in run.tasks.items() if state == "FAILED" and name != "root"]
    return [name for name in failed if name in COMPONENTS] or failed


def _published(run: SubmittedRun, settings: Settings) -> ModelVersion | None:
    """Return the version that the run published."""
    uri = str(run.parameters.get("registry_uri") or settings.registry_uri)
    try:
        versions = open_registry(uri, settings.registry.model_name).versions()
    except RunError as error:
        raise RunError(
            f"run {run.run_id} is {run.state}, but it is unknown whether it published: {error}"
        ) from error
    return next((each for each in versions if each.came_from(run.run_id)), None)
