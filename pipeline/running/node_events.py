"""Turns LocalDagRunner's log into events: a node started, a node ended."""

import logging
import time
from collections.abc import Callable

_RUNNER_FILE = "local_dag_runner.py"
_STARTED = "Component %s is running."
_ENDED = "Component %s is finished."


class NodeEvents(logging.Handler):
    """Listens to TFX's logger.

    LocalDagRunner offers no hook, but logs each node's start and end in the same words in every
    release that we support; a test holds it to them.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.running: str | None = None
        """The node that runs now, or that a failed run stopped at."""
        self.on_start: Callable[[str], None] = lambda node_id: None
        """Called with a node's id."""
        self.on_end: Callable[[str, float], None] = lambda node_id, seconds: None
        """Called with a node's id and the seconds it took."""
        self._since = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on one record, if it is one of the runner's two."""
        if record.filename != _RUNNER_FILE or not isinstance(record.args, tuple):
            return
        if record.msg == _STARTED:
            self.running, self._since = str(record.args[0]), time.monotonic()
            self.on_start(self.running)
        elif record.msg == _ENDED:
            node_id, self.running = str(record.args[0]), None
            self.on_end(node_id, time.monotonic() - self._since)
