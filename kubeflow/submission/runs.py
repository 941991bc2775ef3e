"""A run on a cluster, as both services tell of it, and what can be asked of a service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .specifications import Specification

FINISHED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED", "CANCELLED")
"""States after which nothing more happens. The services spell the last one each in its way."""


@dataclass(frozen=True)
class Submission:
    """What is sent to a service.

    Attributes:
        run_id: that makes it one run, however often it is submitted.
        run_name: what the service's pages call it, or empty for the run id.
        specification: compiled, as the service's API takes it.
        parameters: run parameter to value.
    """

    run_id: str
    run_name: str
    specification: Specification
    parameters: Mapping[str, str | int | float]


@dataclass(frozen=True)
class SubmittedRun:
    """A run as its service tells of it now.

    Attributes:
        run_id: the user's.
        link: to its page.
        state: of the run, in the service's word without a prefix: `RUNNING`, `SUCCEEDED`...
        tasks: state of each task that the service knows yet, by its name in the graph.
        parameters: run parameter to value, as it was started with.
        error: what the service says of a failure, or empty.
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

    Every method raises `RunError` with one line where the service fails or refuses.
    """

    def find(self, run_id: str) -> SubmittedRun | None:
        """The run of that id, or None; nothing is made."""

    def create(self, submission: Submission) -> SubmittedRun:
        """Start a run, unless one of that id is there.

        Of several that are started with one id at the same time, one stays.

        Returns:
            The one that stays, whoever started it.
        """
