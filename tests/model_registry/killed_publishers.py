"""Publish repeatedly, and kill the publisher with SIGKILL at each step; run by `test_killed.py`.

A step is a transaction that writes to the database, or a file that is opened for writing. For each
step, this creates a new registry with one version, and kills a separate process just before the
step.

Arguments: an empty database, and a folder to work in. It prints one line of JSON for each step.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy
from conftest import NAME, publication_of
from sqlalchemy.engine import Engine

from customer_age.model_registry import ModelRegistry, open_registry, saved_model_fingerprint

_WRITES = ("INSERT", "UPDATE", "DELETE")


class Killer:
    """Kills its own process at a step."""

    def __init__(self, at: int):
        self._left = at
        self._writes = False
        self._folder = ""

    def arm(self, folder: Path) -> None:
        self._folder = str(folder)
        sys.addaudithook(self._file_opened)
        sqlalchemy.event.listen(Engine, "before_cursor_execute", self._statement)
        sqlalchemy.event.listen(Engine, "commit", self._commit)

    def _file_opened(self, event: str, arguments: tuple) -> None:
        if event == "open" and str(arguments[0]).startswith(self._folder):
            mode, flags = arguments[1:3]
            if "w" in (mode or "") or (mode is None and flags & (os.O_WRONLY | os.O_RDWR)):
                self._step()

    def _statement(self, *arguments: object) -> None:
        self._writes |= str(arguments[2]).lstrip().startswith(_WRITES)

    def _commit(self, _: object) -> None:
        if self._writes:
            self._writes = False
            self._step()

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], dict]) -> dict | None:
    """Run the work in a separate process; return its result, or None if the process was killed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), os.fdopen(write_end, "w") as pipe:
            json.dump(work(), pipe)
            pipe.flush()
            os._exit(0)
        os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        report = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError("the publisher failed, instead of ending or being killed")
    return json.loads(report)


class Attempt:
    """A registry with one version, and the steps to publish a second one."""

    def __init__(self, database: Path, folder: Path):
        self._folder = folder
        folder.mkdir()
        shutil.copy(database, folder / "mlflow.db")
        self._first = publication_of(folder / "first", "first", mae=6.5)
        self._second = publication_of(folder / "second", "second", mae=6.0, baseline="1")

    def _registry(self) -> ModelRegistry:
        return open_registry(f"mlflow+sqlite:///{self._folder}/mlflow.db", NAME)

    def killed(self, step: int) -> dict:
        registry = self._registry()
        registry.publish(self._first)
        Killer(step).arm(self._folder)
        registry.publish(self._second)
        return {}

    def looked_at_and_published_again(self) -> dict:
        registry = self._registry()
        champion = registry.champion()
        found = {
            "versions": [each.version for each in registry.versions()],
            "champion": champion.version if champion else None,
        }
        version = registry.publish(self._second)
        downloaded = registry.download(version.version, self._folder / "downloaded")
        made = {
            "version": version.version,
            "aliases": version.aliases,
            "versions": [each.version for each in registry.versions()],
            "whole": saved_model_fingerprint(downloaded) == self._second.fingerprint,
            "uploads": len(list(self._folder.glob("artifacts/*/artifacts"))),
            "former": registry.rollback().version,
        }
        return {"found": found, "made": made}


def main(database: Path, work: Path) -> None:
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  once, for all the forks

    for step in range(1, 1000):
        attempt = Attempt(database, work / str(step))
        if forked(partial(attempt.killed, step)) is not None:
            return
        print(json.dumps(forked(attempt.looked_at_and_published_again)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
