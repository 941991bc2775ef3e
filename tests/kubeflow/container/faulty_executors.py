"""Executors that fail by a script, started by the real entry point in containers.

`FAULTS` names a folder: its file `acts` has one act for each try, and each try adds a line to its
file `tries`.
"""

import json
import os
import signal
from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from customer_age.components.artifacts.evaluation import Evaluation, Measured, SliceMetrics
from customer_age.components.registry_pusher import executor as registry_pusher
from customer_age.model_registry.mlflow_store.store import MlflowStore


def _act(**seen: object) -> str:
    """What to do in this try; notes what it found."""
    folder = Path(os.environ["FAULTS"])
    with (folder / "tries").open("a") as file:
        print(json.dumps({"pid": os.getpid(), **seen}), file=file)
    number = len((folder / "tries").read_text().splitlines())
    return (folder / "acts").read_text().split(",")[number - 1]


class Executor(base_executor.BaseExecutor):
    """Writes half of its output before it acts."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, object],
    ) -> None:
        output = Path(artifact_utils.get_single_uri(output_dict["model"]))
        act = _act(found=[file.name for file in output.iterdir()])
        (output / f"half-{act}").write_text("half")
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if act == "connection":
            raise ConnectionResetError("the store hung up")
        if act == "type":
            raise TypeError("one argument too many")
        (output / "whole").write_text("whole")


class Trainer_Executor(base_executor.BaseExecutor):  # noqa: N801  the name of the component
    """Resumes from the kept checkpoint, and keeps one more epoch."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, object],
    ) -> None:
        file = Path(os.environ["CUSTOMER_AGE_CHECKPOINT_FOLDER"], "checkpoint.npz")
        kept = file.read_text() if file.exists() else ""
        act = _act(kept=kept)
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{kept}+")
        if act == "connection":
            raise ConnectionResetError("the store hung up")


class Pusher(registry_pusher.Executor):
    """Publishes with prepared metrics of an Evaluator, and is killed or fails at a step."""

    def Do(self, *given: dict) -> None:
        measured = Measured(SliceMetrics(photos=20, mae=2.0, rmse=2.5, bias=0.1), {})
        registry_pusher.evaluation.read = lambda uri: Evaluation(measured, measured, True, ())
        how, _, step = _act().partition(" at ")
        if step:
            _break(step, how)
        super().Do(*given)


def _break(step: str, how: str) -> None:
    """Let the next call of a step of the store do its work, and then fail."""
    work = getattr(MlflowStore, step)

    def broken(self: MlflowStore, *arguments: object) -> None:
        work(self, *arguments)
        if how == "kill all":  # with the process that repeats, as with the container
            os.kill(os.getppid(), signal.SIGKILL)
        if how.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        raise ConnectionResetError("the registry hung up")

    setattr(MlflowStore, step, broken)
