"""Runs on Kubeflow Pipelines and on Vertex AI Pipelines, for `submit` and for `retrain`."""

from customer_age.pipeline.retraining.ledger.records import RunState
from customer_age.pipeline.settings.settings import Settings

from ..compiling import target_support
from . import start as starts
from .kfp.endpoint import KubeflowEndpoint
from .kfp.runs import KubeflowRuns
from .outcomes import Outcome, outcome
from .plan import plan
from .runs import Runs
from .vertex_ai.location import VertexLocation
from .vertex_ai.runs import VertexRuns


class ClusterTarget:
    """Starts runs as `customer-age submit` does; see `pipeline.retraining.run_target.RunTarget`.

    Args:
        target: the service to compile for.
        runs: of that target.
        settings: of the pipeline; they name the registry that shows what was published.
    """

    def __init__(self, target: target_support.Target, runs: Runs, settings: Settings):
        self._target = target
        self._runs = runs
        self._settings = settings

    def start(self, run_id: str, settings: Settings) -> None:
        """Start a run, and return while it is running."""
        if self._runs.find(run_id) is None:  # first: reading the data takes longer
            planned = plan(settings, self._target, run_id)
            starts.start(planned, self._target, self._runs)

    def state(self, run_id: str) -> RunState:
        """Return the state of a run."""
        return self._outcome(run_id).state

    def reason(self, run_id: str) -> str:
        """Return why a run ended as it did; empty while it is running."""
        found = self._outcome(run_id)
        return found.sentence if found.state.ended else ""

    def _outcome(self, run_id: str) -> Outcome:
        run = self._runs.find(run_id)
        if run is None:
            return Outcome(RunState.UNKNOWN, f"there is no run {run_id}")
        return outcome(run, self._settings)


def runs_at(endpoint: KubeflowEndpoint | VertexLocation) -> Runs:
    """Return the runs of an endpoint; the first request is sent when they are used."""
    if isinstance(endpoint, KubeflowEndpoint):
        return KubeflowRuns(endpoint)
    return VertexRuns(endpoint)


def open_target(endpoint: KubeflowEndpoint | VertexLocation, settings: Settings) -> ClusterTarget:
    """Return the target of retraining runs at an endpoint.

    Args:
        endpoint: an experiment on Kubeflow Pipelines, or a region of Vertex AI.
        settings: of the pipeline.
    """
    target: target_support.Target = (
        "kubeflow" if isinstance(endpoint, KubeflowEndpoint) else "vertex"
    )
    return ClusterTarget(target, runs_at(endpoint), settings)
