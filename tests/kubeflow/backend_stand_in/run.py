"""How a run and its tasks ended."""

import dataclasses
import enum
from pathlib import Path

from kfp.pipeline_spec import pipeline_spec_pb2 as specs
from ml_metadata.proto import metadata_store_pb2 as mlmd

from .driver import Outputs


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
    states: dict[str, State] = dataclasses.field(default_factory=dict)
    outputs: dict[str, Outputs] = dataclasses.field(default_factory=dict)
    inputs: dict[str, specs.ExecutorInput] = dataclasses.field(default_factory=dict)
    """What each container was given; its outputs as it left them."""
    attempts: dict[str, int] = dataclasses.field(default_factory=dict)
    logs: dict[str, Path] = dataclasses.field(default_factory=dict)
    """Of each task's last attempt."""
    error: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether every task did."""
        return (
            State.FAILED not in self.states.values() and State.OMITTED not in self.states.values()
        )

    def artifact(self, task: str, name: str) -> mlmd.Artifact:
        """An output of a task."""
        return self.outputs[task].artifacts[name]

    def log(self, task: str) -> str:
        """What the last attempt printed."""
        return self.logs[task].read_text(errors="replace") if task in self.logs else ""
