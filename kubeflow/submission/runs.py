"""A run on a cluster as both services report it, and the operations of a service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .specifications import Specification

FINISHED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED", "CANCELLED")
"""States after which nothing more happens. The services spell the last one differently."""


@dataclass(frozen=True)
class Submission:
    """What is sent to a service.

    Attributes:
        run_id: identifies the run: submitted again, it starts nothing.
        run_name: the run's name on the service's pages; empty for the run id.
        specification: the compiled pipeline, in the form that the service's API accepts.
        parameters: run parameter to value.
    """

    run_id: str
    run_name: str
    specification: Specification
    parameters: Mapping[str, str | int | float]


@dataclass(frozen=True)
class SubmittedRun:
    """A run as its service reports it now.

    Attributes:
        run_id: our id of the run, not the service's.
        link: URL of the run's page.
        state: the service's state without its prefix: `RUNNING`, `SUCCEEDED`...
        tasks: the state of each task that the service already lists, by the task's name.
        parameters: run parameter to value, as at the start of the run.
        error: the service's description of a failure, or empty.
    """

    run_id: str
    link: str
    state: str
    tasks: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    error: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINISHED


class Runs(Protocol):
    """The runs of one endpoint: an experiment on Kubeflow, a region of a project on Vertex AI.

    Every method raises a one-line `RunError` if the service fails or refuses.
    """

    def find(self, run_id: str) -> SubmittedRun | None:
        """Return the run with that id, or None; create nothing."""

    def create(self, submission: Submission) -> SubmittedRun:
        """Start a run, unless there is one with that id.

        If several are started with one id at the same time, one of them stays.

        Returns:
            The run that stays, even if another process started it.
        """
