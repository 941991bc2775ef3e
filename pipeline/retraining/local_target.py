"""Retraining runs on this machine, each in a process of its own.

A run's process holds a lock while it lives, even if the trigger dies, and leaves a record when the
run has ended. So a reader can distinguish a run that is running, one that ended, and one that died
and has to be started again. It then continues from what it had done: TFX's cache and the registry
make that harmless.
"""

import contextlib
import json
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError
from customer_age.files import locks
from customer_age.files.store import write_whole

from ..running import ending, interruption
from ..settings.settings import Settings
from .ledger.records import RunState

_PATIENCE_SECONDS = ending.SECONDS + 0.3
"""For a run that was interrupted to end by itself, before it is killed."""

_STATES = {
    0: RunState.PUBLISHED,
    ModelRefused.exit_code: RunState.MODEL_REFUSED,
    DataRefused.exit_code: RunState.DATA_REFUSED,
}
"""Exit code of a run to its state; any other is a failure."""


class RunFiles:
    """What is kept of one run, in `retraining/runs/` in the work folder."""

    def __init__(self, work_dir: str, run_id: str):
        folder = Path(work_dir) / "retraining" / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = folder / f"{run_id}.yaml"
        self._record = folder / f"{run_id}.json"
        self._lock = folder / f"{run_id}.lock"

    def outcome(self) -> dict[str, Any] | None:
        """`exit_code` and `sentence` of the run's end, or None where it has not ended."""
        try:
            return json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def write_outcome(self, exit_code: int, sentence: str) -> None:
        """Write down how the run ended."""
        text = json.dumps({"exit_code": exit_code, "sentence": sentence}, ensure_ascii=False)
        write_whole(str(self._record), text.encode())

    def write_settings(self, text: str) -> None:
        """Keep the run's settings, for its process to read."""
        write_whole(str(self.settings), text.encode())

    def held(self, patience: float = 0) -> AbstractContextManager[bool]:
        """Hold the run, for as long as this process lives; gives whether nobody else does.

        Args:
            patience: seconds to wait, since who only asks for the state holds it for a moment.

        Raises:
            SettingsError: the work folder's file system has no locks.
        """
        return locks.held(self._lock, "work_dir", patience)


class LocalTarget:
    """See `RunTarget`. `start` returns when the run has ended."""

    def __init__(self, work_dir: str):
        """Name the work folder.

        Args:
            work_dir: the work folder; it lets one run in at a time.
        """
        self._work_dir = work_dir

    def start(self, run_id: str, settings: Settings) -> None:
        """See `RunTarget`."""
        files = RunFiles(self._work_dir, run_id)
        if files.outcome() is not None:
            return
        files.write_settings(settings.model_dump_json(indent=1))  # which is YAML too
        module = "customer_age.pipeline.retraining.local_run"
        exit_code = _run([sys.executable, "-m", module, run_id, str(files.settings)])
        if files.outcome() is None and exit_code:
            # It has said why itself. Nothing was started, or it was killed.
            error = SettingsError if exit_code == SettingsError.exit_code else RunError
            raise error(f"run {run_id} could not be brought to its end; see above")

    def state(self, run_id: str) -> RunState:
        """See `RunTarget`."""
        files = RunFiles(self._work_dir, run_id)
        with files.held() as alone:
            outcome = files.outcome()
        if outcome is not None:
            return _STATES.get(outcome["exit_code"], RunState.FAILED)
        return RunState.UNKNOWN if alone else RunState.RUNNING

    def reason(self, run_id: str) -> str:
        """See `RunExplainer`."""
        outcome = RunFiles(self._work_dir, run_id).outcome()
        return " ".join(str(outcome["sentence"]).split()) if outcome else ""


def _run(command: list[str]) -> int:
    """Run a process to its end; where this one is interrupted, that one is, too."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        interruption.leave_to_main_thread(_PATIENCE_SECONDS + 0.1)
        process.terminate()  # Ctrl-C has reached it by itself, which does no harm
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
        process.kill()
        raise
