"""Where a retraining run runs: this machine, Kubeflow Pipelines, or Vertex AI Pipelines.

The trigger knows only a run's id and its state. Each batch is trained on once, although a trigger
may die at any moment and several may check at once: a run's id is in the ledger before the run is
started, and starting it again has no effect.
"""

from typing import Protocol, runtime_checkable

from ..settings.settings import Settings
from .ledger.records import RunState


class RunTarget(Protocol):
    """Starts runs, and knows their state.

    Run ids match `[a-z][-a-z0-9]{0,62}`, which Kubernetes and Vertex take as names.
    """

    def start(self, run_id: str, settings: Settings) -> None:
        """Start a run, unless it was started before: then this starts nothing, also where it ended.

        May return while the run is going on, or when it has ended.

        Args:
            run_id: of the run; the version that it publishes carries it as the tag `run_id`, or as
                `run_id/<run_id>` where an earlier run published the very same model.
            settings: of the run, complete.

        Raises:
            SettingsError: the settings do not do for this target; nothing was started.
            RunError: the target cannot be reached, or refused; whether the run was started is not
                known, and `state` tells.
        """

    def state(self, run_id: str) -> RunState:
        """Return the state of a run.

        Raises:
            RunError: the target cannot be reached.
        """


@runtime_checkable
class RunExplainer(Protocol):
    """A target that can also say why a run ended as it did."""

    def reason(self, run_id: str) -> str:
        """Say in one line why a run that ended did so; empty where nothing is known.

        Raises:
            RunError: the target cannot be reached.
        """
