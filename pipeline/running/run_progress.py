"""Shows the progress of a run: a line when a component starts and ends, a bar during training.

Handlers turn the log records of LocalDagRunner and of the trainer into this output.
"""

import logging
import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

_NAME_WIDTH = 17
_SECONDS_WIDTH = 8

_BAR_WIDTH = 24
_NARROW_BAR_WIDTH = 10
_NARROW_BELOW = 100
"""Columns of a terminal; a narrower one needs the space of the bar for the text."""

_RUNNER_FILE = "local_dag_runner.py"
_STARTED = "Component %s is running."
_ENDED = "Component %s is finished."


class RunProgress:
    """The output of a run: animated on a terminal, a line for each event in a file or a pipe."""

    def __init__(self, screen: TextIO):
        self.console = Console(file=screen, highlight=False, soft_wrap=True)
        self._bars = Progress(
            SpinnerColumn(style="cyan"),
            TextColumn("{task.description}"),
            BarColumn(_BAR_WIDTH if self.console.width >= _NARROW_BELOW else _NARROW_BAR_WIDTH),
            TextColumn(
                "{task.fields[note]}",
                style="dim",
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._running: TaskID | None = None

    def __enter__(self) -> "RunProgress":
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar from the terminal."""
        self._bars.stop()

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line; square brackets in it are plain text."""
        self.console.print(text, style=style, markup=False)

    def started(self, name: str) -> None:
        """Show that a component is running."""
        if self.console.is_terminal:
            self._running = self._bars.add_task(f"{name:<{_NAME_WIDTH}}", total=None, note="")
        else:
            self.say(f"… {name} started")

    def advanced(self, done: int, of: int, note: str) -> None:
        """Move the running component's bar."""
        if self._running is not None:
            self._bars.update(self._running, completed=done, total=of, note=note)

    def note(self, text: str) -> None:
        """Print a line about the running component."""
        self._row(Text(), Text(), Text(text, style="dim"))

    def ended(self, name: str, seconds: float | None, summary: str) -> None:
        """Show that a component succeeded; without seconds, its result was reused."""
        self._clear()
        duration = "reused" if seconds is None else f"{seconds:.1f} s"
        finished = Text.assemble(("✓", "green"), f" {name}")
        self._row(finished, Text(duration, style="dim"), Text(summary))

    def failed(self, name: str) -> None:
        """Show where the run stopped."""
        self._clear()
        self.say(f"✗ {name}", style="red")

    def _row(self, name: Text, duration: Text, summary: Text) -> None:
        """Print one row; on a terminal, a long summary is wrapped in its own column."""
        if not self.console.is_terminal:
            self.console.print(
                Text(f"{name.plain:<{_NAME_WIDTH + 2}}{duration.plain:>{_SECONDS_WIDTH + 1}}  ")
                + summary
            )
            return
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=_NAME_WIDTH + 1, no_wrap=True)
        table.add_column(width=_SECONDS_WIDTH, justify="right", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(name, duration, summary)
        self.console.print(table, soft_wrap=False)

    def _clear(self) -> None:
        if self._running is not None:
            self._bars.remove_task(self._running)
            self._running = None


class NodeEvents(logging.Handler):
    """A handler for TFX's logger.

    LocalDagRunner has no hook, but it logs each node's start and end with the same messages in all
    supported releases. A test checks this.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.running: str | None = None
        """The running node, or the one where a failed run stopped."""
        self.on_start: Callable[[str], None] = lambda node_id: None
        """Called with a node's id."""
        self.on_end: Callable[[str, float], None] = lambda node_id, seconds: None
        """Called with a node's id and its duration in seconds."""
        self._since = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Handle a record if it is one of the runner's two messages."""
        if record.filename != _RUNNER_FILE or not isinstance(record.args, tuple):
            return
        if record.msg == _STARTED:
            self.running, self._since = str(record.args[0]), time.monotonic()
            self.on_start(self.running)
        elif record.msg == _ENDED:
            node_id, self.running = str(record.args[0]), None
            self.on_end(node_id, time.monotonic() - self._since)


class TrainingEvents(logging.Handler):
    """A handler for the trainer's logger: moves the bar at each step, prints a line per epoch."""

    def __init__(self, progress: RunProgress):
        super().__init__(logging.DEBUG)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        moment = getattr(record, "training", None)
        if moment is None:
            return
        what = "output layer" if moment.phase == "head" else "whole network"
        epoch = f"{what}, epoch {moment.epoch} of {moment.epochs}"
        if moment.val_mae is None:
            done = (moment.epoch - 1) * moment.steps + moment.step
            self._progress.advanced(
                done, moment.epochs * moment.steps, f"{epoch}, MAE {moment.mae:.2f}"
            )
        else:
            self._progress.note(f"{epoch}: MAE {moment.mae:.2f}, valid {moment.val_mae:.2f} years")
