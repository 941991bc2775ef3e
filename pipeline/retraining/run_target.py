"""Where a retraining run runs: this machine, Kubeflow Pipelines, or Vertex AI Pipelines.

The trigger knows only a run's id and state. A trigger may die at any moment, and several may check
at once. Each batch is still trained on once, because a run's id is in the ledger before the run is
started, and because a second start of the same id starts nothing.
"""

from typing import Protocol, runtime_checkable

from ..settings.settings import Settings
from .ledger.records import RunState


class RunTarget(Protocol):
    """Starts runs and reports their states.

    Run ids match `[a-z][-a-z0-9]{0,62}`, which are valid names for Kubernetes and Vertex.
    """

    def start(self, run_id: str, settings: Settings) -> None:
        """Start a run, unless it was started before, even if it has ended since.

        May return while the run is running, or when it has ended.

        Args:
            run_id: the run's id; the version that it publishes has it as the tag `run_id`, or as
                `run_id/<run_id>` if an earlier run published exactly the same model.
            settings: all settings of the run.

        Raises:
            SettingsError: the settings are invalid for this target; nothing was started.
            RunError: the target cannot be reached, or refused; the run may have been started:
                `state` reports it.
        """

    def state(self, run_id: str) -> RunState:
        """Return the state of a run.

        Raises:
            RunError: the target cannot be reached.
        """


@runtime_checkable
class RunExplainer(Protocol):
    """A target that can also report why a run ended."""

    def reason(self, run_id: str) -> str:
        """Return in one line why a run ended; empty if the reason is unknown.

        Raises:
            RunError: the target cannot be reached.
        """
