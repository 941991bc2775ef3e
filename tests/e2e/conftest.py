import functools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

TINY = Path(__file__).parent / "tiny.yaml"
CUSTOMER_AGE = Path(sys.executable).parent / "customer-age"


class Command:
    """`customer-age run` in its own process."""

    def __init__(
        self,
        python,
        data,
        work,
        *overrides,
        config=TINY,
        options=(),
        prefix=(),
        program=CUSTOMER_AGE,
    ):
        arguments = [
            python,
            program,
            "run",
            "--config",
            config,
            "--data",
            data,
            "--work-dir",
            work,
        ]
        for override in overrides:
            arguments += ["--set", override]
        self.process = subprocess.Popen(
            [str(argument) for argument in [*prefix, *arguments, *options]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line

    def ended(self):
        """Wait for the end, and return the exit code and all output."""
        self.process.wait(timeout=600)
        self._reader.join()
        assert "Traceback" not in self.output, self.output
        return self.process.returncode, self.output

    def killed_when(self, is_time, by=signal.SIGKILL):
        """Send a signal when `is_time(its output so far)` is true, and wait for the end."""
        deadline = time.monotonic() + 600
        while not is_time(self.output):
            assert self.process.poll() is None, f"it ended too early:\n{self.output}"
            assert time.monotonic() < deadline, f"the moment never came:\n{self.output}"
            time.sleep(0.002)
        self.process.send_signal(by)
        self.process.wait(timeout=60)
        self._reader.join()
        return self.output


@pytest.fixture(scope="session")
def command(preloaded_python):
    return functools.partial(Command, preloaded_python)


@pytest.fixture(scope="session")
def command_from_nothing():
    """The same in a real process, to kill it, to mount for it, or to find it by its id."""
    return functools.partial(Command, sys.executable)


@pytest.fixture(scope="session")
def versions():
    """Return a registry on SQLite, its versions, and the champion's number."""

    def read(folder):
        from customer_age.files import addresses
        from customer_age.model_registry import open_registry

        database = addresses.sqlite_url(f"{folder}/mlflow.db")
        registry = open_registry(f"mlflow+{database}", "customer-age")
        champion = registry.champion()
        return registry, registry.versions(), champion and champion.version

    return read
