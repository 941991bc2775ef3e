"""Where a retraining run runs besides this machine: Kubeflow Pipelines and Vertex AI Pipelines."""

from customer_age.pipeline.retraining.run_target import RunState
from customer_age.pipeline.settings.settings import Settings

from ..compiling import target_support
from . import start as starting
from .kfp.endpoint import KubeflowPlace
from .kfp.runs import KubeflowRuns
from .outcomes import Outcome, outcome
from .plan import plan
from .runs import Runs
from .vertex_ai.location import VertexPlace
from .vertex_ai.runs import VertexRuns


class ClusterTarget:
    """Starts runs as `customer-age submit` does; see `pipeline.retraining.targets.Target`.

    Args:
        target: what to compile for.
        runs: of that target.
        settings: of the pipeline; they name the registry that tells what was published.
    """

    def __init__(self, target: target_support.Target, runs: Runs, settings: Settings):
        self._target = target
        self._runs = runs
        self._settings = settings

    def start(self, run_id: str, settings: Settings) -> None:
        """See `Target`; returns while the run is going on."""
        if self._runs.find(run_id) is None:  # before the data are looked at, which takes longer
            planned = plan(settings, self._target, run_id)
            starting.start(planned, self._target, self._runs)

    def state(self, run_id: str) -> RunState:
        """See `Target`."""
        return self._outcome(run_id).state

    def reason(self, run_id: str) -> str:
        """See `Explaining`."""
        found = self._outcome(run_id)
        return found.sentence if found.state.ended else ""

    def _outcome(self, run_id: str) -> Outcome:
        run = self._runs.find(run_id)
        if run is None:
            return Outcome(RunState.UNKNOWN, f"there is no run {run_id}")
        return outcome(run, self._settings)


class KubeflowTarget(ClusterTarget):
    """Runs of one experiment on Kubeflow Pipelines.

    Args:
        settings: of the pipeline.
        place: which experiment, and where.
    """

    def __init__(self, settings: Settings, place: KubeflowPlace):
        super().__init__("kubeflow", KubeflowRuns(place), settings)


class VertexTarget(ClusterTarget):
    """Runs in one region of a project on Vertex AI Pipelines.

    Args:
        settings: of the pipeline.
        place: where, and as whom.
    """

    def __init__(self, settings: Settings, place: VertexPlace):
        super().__init__("vertex", VertexRuns(place), settings)


def target_at(place: KubeflowPlace | VertexPlace, settings: Settings) -> ClusterTarget:
    """The target of a place.

    Args:
        place: where.
        settings: of the pipeline.
    """
    if isinstance(place, KubeflowPlace):
        return KubeflowTarget(settings, place)
    return VertexTarget(settings, place)
