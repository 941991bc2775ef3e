"""Repeats a component in its container, because Kubeflow does so seldom, or never (since 2.17).

Each try is a separate process with the same command: libraries start with a clean state. The
process that repeats imports no large library.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from customer_age.components.trainer.checkpoint.checkpoint_folder import CHECKPOINT_FOLDER
from customer_age.errors import RunError
from customer_age.pipeline.running import ending, interruption

from .failed_step import Failure, Repeat, interrupted_line

OPTION = "--try_folder"
"""Marks the command of one try."""

_MOST_SECONDS = 600.0
_FACTOR = 2


class Tries:
    """The tries of one container.

    Args:
        command: of one try; `OPTION` is added to it.
        component: its name.
        most: maximum number of tries, at least one.
        backoff: seconds before the second try; doubled for each later try, up to ten minutes.
    """

    def __init__(self, command: Sequence[str], component: str, most: int, backoff: float):
        self._command = command
        self._component = component
        self._most = most
        self._backoff = backoff
        self._child: subprocess.Popen | None = None
        self._stopped = threading.Event()
        self._signal = 0

    def run(self) -> int:
        """Try until a try succeeds, no try is left, or another try would fail in the same way.

        A signal that ends containers ends the current try, and no other try follows.

        Returns:
            The exit code of the last try or of the signal. If it is not 0, the last line on stderr
            is the reason.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with tempfile.TemporaryDirectory(prefix="tries-") as folder:
            return self._repeat(Path(folder))

    def _repeat(self, folder: Path) -> int:
        attempt, before = 1, None
        while failure := self._try(folder):
            if self._stopped.is_set():
                return self._interrupted(before)
            if attempt == self._most or not _worth(failure, before):
                return self._give_up(failure, attempt)
            before = failure
            seconds = min(self._backoff * _FACTOR ** (attempt - 1), _MOST_SECONDS)
            reason = failure.line.removeprefix("customer-age: ")
            _say(f"customer-age: attempt {attempt + 1} of {self._most} in {seconds:g} s: {reason}")
            if self._stopped.wait(seconds):
                return self._interrupted(failure)
            attempt += 1
        return 0

    def _give_up(self, failure: Failure, attempt: int) -> int:
        shown = f" (attempt {attempt} of {self._most})" if attempt > 1 else ""
        _say(f"{failure.line}{shown}")
        return failure.exit_code

    def _interrupted(self, before: Failure | None) -> int:
        stopped = interruption.interrupted(interruption.raised_by(self._signal))
        reason = before.line.removeprefix("customer-age: ") if before else ""
        _say(interrupted_line(self._component, stopped, reason))
        return stopped.exit_code

    def _try(self, folder: Path) -> Failure | None:
        """Run a process to its end; return its failure, or None if it succeeded."""
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as scratch:
            code = self._run_child(
                [*self._command, f"{OPTION}={scratch}"],
                {
                    **os.environ,
                    "TMPDIR": scratch,  # so that the files of a killed process are deleted
                    CHECKPOINT_FOLDER: str(folder / "checkpoint"),
                },
            )
            return None if code == 0 else Failure.read(Path(scratch)) or self._ended_by(code)

    def _run_child(self, command: Sequence[str], environment: dict[str, str]) -> int:
        # In its own session, so that its remaining workers can be killed afterwards.
        self._child = subprocess.Popen(command, env=environment, start_new_session=True)
        if self._stopped.is_set():  # by a signal before the child started
            ending.kill_children()
        code = self._child.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child = None
        return code

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._signal = number
        self._stopped.set()
        ending.kill_children()  # safe: the system does the same if memory runs out

    def _ended_by(self, code: int) -> Failure:
        """Describe the failure of a process that wrote no failure itself."""
        how = (
            f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        )
        words = f"{self._component} failed: its process {how}"
        if -code == signal.SIGKILL:
            words += (
                ", probably because there was not enough memory: increase "
                f"cluster.resources.{self._component}.memory"
            )
        return Failure(f"customer-age: {words}", RunError.exit_code, Repeat.ALWAYS)


def _worth(failure: Failure, before: Failure | None) -> bool:
    if failure.repeat is Repeat.UNLESS_SAME:
        return before is None or before.line != failure.line
    return failure.repeat is Repeat.ALWAYS


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
