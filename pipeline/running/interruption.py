"""Ends a command on SIGTERM (Kubernetes, systemd, `docker stop`) like on Ctrl-C, within 5 seconds.

The command stops at its next step, temporary files are deleted, and a run writes its report. Python
handles a signal only between two steps of the main thread, and a training step may take a minute.
In that case another thread (`ending`) writes the report and ends the process. A second signal ends
it at once.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

from customer_age.errors import Interrupted

from .ending import Ending

LastWords = Callable[[KeyboardInterrupt], Iterable[str]]
"""Finishes the remaining work and returns the last lines to print; called in another thread."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_last_words: list[LastWords] = []
_endings: list[Ending] = []
"""At most one, because signals belong to the process."""


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM."""


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM, or KeyboardInterrupt on Ctrl-C, once, in the main thread.

    If the main thread does not end the process in time, another thread does.
    """
    heard: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:  # at a second one, the other thread ends the process at once
            raise raised_by(number)

    with _handled(stop, Ending(_lines)):
        yield


@contextlib.contextmanager
def at_once(describe: Callable[[Interrupted], str]) -> Iterator[None]:
    """End the process and its children at once, with one line, when a signal comes.

    For work that restarts from its beginning, and for the first process of a container, which
    ignores a signal without a handler.

    Args:
        describe: returns the line.
    """
    ending = Ending(lambda number, _: [describe(interrupted(raised_by(number)))], 0)
    with _handled(lambda *_: None, ending):
        yield


@contextlib.contextmanager
def ends_with(words: LastWords) -> Iterator[None]:
    """Print these lines, not just one, if the main thread does not end the process in time."""
    _last_words.append(words)
    try:
        yield
    finally:
        _last_words.remove(words)


def leave_to_main_thread(seconds: float | None = None) -> None:
    """Let the main thread describe the end. Never return if another thread already does.

    Args:
        seconds: after the signal, when the process ends in any case; None for the default.
    """
    for ending in _endings:
        ending.leave_to_main_thread(seconds)


def interrupted(error: KeyboardInterrupt, doing: str = "", kept: str = "") -> Interrupted:
    """Describe an interruption in one line.

    Args:
        error: the exception.
        doing: the component that was running, if any.
        kept: what is kept, and how to resume.
    """
    number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
    by = "SIGTERM" if number == signal.SIGTERM else "Ctrl-C"
    location = f" in {doing}" if doing else ""
    return Interrupted(f"interrupted by {by}{location}{f'. {kept}' if kept else ''}", 128 + number)


@contextlib.contextmanager
def _handled(handler: Callable[[int, FrameType | None], None], ending: Ending) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, handler) for each in _SIGNALS}
    _endings.append(ending)
    try:
        with ending.watched():
            yield
    finally:
        _endings.remove(ending)
        for each, earlier in before.items():
            signal.signal(each, earlier)


def raised_by(number: int) -> KeyboardInterrupt:
    """Return the exception for a signal's number."""
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _lines(number: int, hurried: bool) -> Iterable[str]:
    error = raised_by(number)
    if _last_words and not hurried:
        return _last_words[-1](error)
    return [f"customer-age: {interrupted(error)}"]


def _forked() -> None:
    """Detach a forked process: it must not write its signals to the pipe of its parent."""
    if _endings:
        _endings.clear()
        signal.set_wakeup_fd(-1)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)


os.register_at_fork(after_in_child=_forked)
