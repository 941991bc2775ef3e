"""How a run and its tasks ended."""

import dataclasses
import enum
from pathlib import Path

from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from .driver import Outputs
from .sessions import Session


class State(enum.Enum):
    """How a task ended."""

    COMPLETE = "complete"
    CACHED = "cached"
    FAILED = "failed"
    OMITTED = "omitted"


@dataclasses.dataclass
class Run:
    """A run that has ended."""

    id: str
    root: str
    """Under which all its outputs are."""
    session: Session | None = None
    """How the root's store is reached."""
    states: dict[str, State] = dataclasses.field(default_factory=dict)
    outputs: dict[str, Outputs] = dataclasses.field(default_factory=dict)
    inputs: dict[str, specs.ExecutorInput] = dataclasses.field(default_factory=dict)
    """What each container was given; its outputs as it left them."""
    attempts: dict[str, int] = dataclasses.field(default_factory=dict)
    logs: dict[str, Path] = dataclasses.field(default_factory=dict)
    """Of each task's last attempt."""
    exit_codes: dict[str, int] = dataclasses.field(default_factory=dict)
    """The log of the last pod of each failed task; a lost pod has none."""
    error: str = ""
    not_retried: dict[str, str] = dataclasses.field(default_factory=dict)
    """Why a task that failed was not tried again."""

    @property
    def succeeded(self) -> bool:
        """Whether every task did."""
        return not self.error

    def artifact(self, task: str, name: str) -> mlmd.Artifact:
        """An output of a task."""
        return self.outputs[task].artifacts[name]

    def log(self, task: str) -> str:
        """What the last attempt printed."""
        return self.logs[task].read_text(errors="replace") if task in self.logs else ""
