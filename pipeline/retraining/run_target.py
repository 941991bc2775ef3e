"""Where a retraining run runs: this machine, Kubeflow Pipelines, or Vertex AI Pipelines.

The trigger knows no more of a run than its id and its state. What makes each batch learnt from
once, although a trigger may die at any moment and several may look at once, is that a run's id is
in the ledger before the run is started, and that starting it again starts nothing.
"""

import enum
from typing import Protocol, runtime_checkable

from ..settings.settings import Settings


class RunState(enum.Enum):
    """What a target says of a run; the values are what the ledger and notifications say."""

    UNKNOWN = "unknown"
    """The target has never heard of it, or it died and left no trace: it is to be started."""

    RUNNING = "running"
    """It is waiting for its turn, running, or being retried by the target itself."""

    PUBLISHED = "published"
    """Its model is a version in the registry, whatever became of the run after that."""

    MODEL_REFUSED = "model_refused"
    """It trained, and the gate or the canary did not bless the model."""

    DATA_REFUSED = "data_refused"
    """The data were not what the schema and the limits ask for: nothing was trained."""

    FAILED = "failed"
    """It ended in any other way: failed, cancelled, timed out."""

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.UNKNOWN, RunState.RUNNING)

    @property
    def trained(self) -> bool:
        """Whether a model has learnt from the run's data, published or not."""
        return self in (RunState.PUBLISHED, RunState.MODEL_REFUSED)


class Target(Protocol):
    """Starts runs, and knows what became of them.

    Run ids match `[a-z][-a-z0-9]{0,62}`, which Kubernetes and Vertex take as names.
    """

    def start(self, run_id: str, settings: Settings) -> None:
        """Start a run, unless it was started before: then this starts nothing, also where it ended.

        May return while the run is going on, or when it has ended.

        Args:
            run_id: of the run; the version that it publishes carries it as the tag `run_id`.
            settings: of the run, complete.

        Raises:
            SettingsError: the settings do not do for this target; nothing was started.
            RunError: the target cannot be reached, or refused; whether the run was started is not
                known, and `state` tells.
        """

    def state(self, run_id: str) -> RunState:
        """Say what became of a run.

        Raises:
            RunError: the target cannot be reached.
        """


@runtime_checkable
class Explaining(Protocol):
    """A target that can also say why a run ended as it did."""

    def reason(self, run_id: str) -> str:
        """Say in one line why a run that ended did so; empty where nothing is known.

        Raises:
            RunError: the target cannot be reached.
        """
