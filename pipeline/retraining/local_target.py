"""Starts retraining runs on this machine, each in its own process.

A run's process holds a lock as long as it lives, even if the trigger dies, and records the end of
the run. So any process can distinguish a run that is running, one that ended, and one that died and
must be started again. A run that is started again reuses completed steps: TFX's cache and the
registry make that safe.
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
"""How long an interrupted run may take to end by itself before it is killed."""

_STATES = {
    0: RunState.PUBLISHED,
    ModelRefused.exit_code: RunState.MODEL_REFUSED,
    DataRefused.exit_code: RunState.DATA_REFUSED,
}
"""Exit codes of a run and their states; any other exit code is a failure."""


class RunFiles:
    """The files of one run, in `retraining/runs/` in the work folder."""

    def __init__(self, work_dir: str, run_id: str):
        folder = Path(work_dir) / "retraining" / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = folder / f"{run_id}.yaml"
        self._record = folder / f"{run_id}.json"
        self._lock = folder / f"{run_id}.lock"

    def outcome(self) -> dict[str, Any] | None:
        """Return `exit_code` and `sentence` of the run's end, or None if it has not ended."""
        try:
            return json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def write_outcome(self, exit_code: int, sentence: str) -> None:
        """Record how the run ended."""
        text = json.dumps({"exit_code": exit_code, "sentence": sentence}, ensure_ascii=False)
        write_whole(str(self._record), text.encode())

    def write_settings(self, text: str) -> None:
        """Write the run's settings, for its process to read."""
        write_whole(str(self.settings), text.encode())

    def held(self, patience: float = 0) -> AbstractContextManager[bool]:
        """Hold the run's lock as long as this process lives; yield whether no other process does.

        Args:
            patience: seconds to wait, since a process that reads the state holds it for a moment.

        Raises:
            SettingsError: the work folder's file system does not support locks.
        """
        return locks.held(self._lock, "work_dir", patience)


class LocalTarget:
    """Runs on this machine; implements `RunTarget`. `start` returns when the run has ended."""

    def __init__(self, work_dir: str):
        """Remember the work folder.

        Args:
            work_dir: path of the work folder, which only one run may use at a time.
        """
        self._work_dir = work_dir

    def start(self, run_id: str, settings: Settings) -> None:
        """Start a run in a process and wait for its end, unless it has already ended."""
        files = RunFiles(self._work_dir, run_id)
        if files.outcome() is not None:
            return
        files.write_settings(settings.model_dump_json(indent=1))  # JSON is valid YAML
        module = "customer_age.pipeline.retraining.local_run"
        exit_code = _run([sys.executable, "-m", module, run_id, str(files.settings)])
        if files.outcome() is None and exit_code:
            # The process has printed why. Nothing was started, or it was killed.
            error = SettingsError if exit_code == SettingsError.exit_code else RunError
            raise error(f"run {run_id} could not be completed; see above")

    def state(self, run_id: str) -> RunState:
        """Return the state of a run."""
        files = RunFiles(self._work_dir, run_id)
        with files.held() as alone:
            outcome = files.outcome()
        if outcome is not None:
            return _STATES.get(outcome["exit_code"], RunState.FAILED)
        return RunState.UNKNOWN if alone else RunState.RUNNING

    def reason(self, run_id: str) -> str:
        """Return the last sentence of a run in one line, or an empty text."""
        outcome = RunFiles(self._work_dir, run_id).outcome()
        return " ".join(str(outcome["sentence"]).split()) if outcome else ""


def _run(command: list[str]) -> int:
    """Run a process until it ends; if this process is interrupted, interrupt that one also."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        interruption.leave_to_main_thread(_PATIENCE_SECONDS + 0.1)
        process.terminate()  # harmless if Ctrl-C has reached it already
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
        process.kill()
        raise
