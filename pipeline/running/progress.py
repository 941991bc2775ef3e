"""What a person sees of a run: a line as each component starts and ends, a bar in training."""

import logging
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_NAME_WIDTH = 17


class RunDisplay:
    """On a terminal, the running component moves; in a file or a pipe, each event is a line."""

    def __init__(self, screen: TextIO):
        self.console = Console(file=screen, highlight=False, soft_wrap=True)
        self._progress = Progress(
            SpinnerColumn(style="cyan"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._running: TaskID | None = None

    def __enter__(self) -> "RunDisplay":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line of its own; square brackets in it are text."""
        self.console.print(text, style=style, markup=False)

    def started(self, name: str) -> None:
        """Show that a component runs."""
        if self.console.is_terminal:
            self._running = self._progress.add_task(f"{name:<{_NAME_WIDTH}}", total=None, note="")
        else:
            self.say(f"… {name} started")

    def advanced(self, done: int, of: int, note: str) -> None:
        """Move the running component's bar."""
        if self._running is not None:
            self._progress.update(self._running, completed=done, total=of, note=note)

    def note(self, text: str) -> None:
        """Say something about the running component that is worth a line of its own."""
        self.say(f"  {'':<{_NAME_WIDTH}}          {text}", style="dim")

    def ended(self, name: str, seconds: float | None, fact: str) -> None:
        """Show that a component ended well; no seconds mean that its result was reused."""
        self._clear()
        time = "  reused" if seconds is None else f"{seconds:6.1f} s"
        self.console.print(
            f"[green]✓[/] {name:<{_NAME_WIDTH}} [dim]{time}[/]  ", end="", soft_wrap=True
        )
        self.say(fact)

    def failed(self, name: str) -> None:
        """Show where the run stopped."""
        self._clear()
        self.say(f"✗ {name}", style="red")

    def _clear(self) -> None:
        if self._running is not None:
            self._progress.remove_task(self._running)
            self._running = None


class TrainingEvents(logging.Handler):
    """Shows the records of the trainer's logger: the bar at each step, a line for each epoch."""

    def __init__(self, display: RunDisplay):
        super().__init__(logging.DEBUG)
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        moment = getattr(record, "training", None)
        if moment is None:
            return
        what = "output layer" if moment.phase == "head" else "whole network"
        epoch = f"{what}, epoch {moment.epoch} of {moment.epochs}"
        if moment.val_mae is None:
            done = (moment.epoch - 1) * moment.steps + moment.step
            self._display.advanced(
                done, moment.epochs * moment.steps, f"{epoch}, MAE {moment.mae:.2f}"
            )
        else:
            self._display.note(f"{epoch}: MAE {moment.mae:.2f}, valid {moment.val_mae:.2f} years")
