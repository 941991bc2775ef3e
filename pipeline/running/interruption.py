"""Ends a command on SIGTERM (Kubernetes, systemd, `docker stop`) as Ctrl-C does, within 5 seconds.

What is being done stops at the next step, temporary files are deleted, and a run writes its report.
Python hears a signal only between two steps of the main thread, and one step of a training may take
a minute: then another thread (`ending`) writes the report, and ends the process. A second signal
ends it at once.
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
"""Gives the lines to end with, and does what else is due; called in a thread of its own."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_last_words: list[LastWords] = []
_endings: list[Ending] = []
"""One at most, as signals belong to the process."""


class Terminated(KeyboardInterrupt):
    """SIGTERM has come."""


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Let SIGTERM raise `Terminated`, and Ctrl-C a KeyboardInterrupt, in the main thread, once.

    Where the main thread does not end the process in time, another one does.
    """
    heard: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if len(heard) == 1:  # a second one ends the process at once, by the other thread
            raise raised_by(number)

    with _handled(stop, Ending(_lines)):
        yield


@contextlib.contextmanager
def at_once(describe: Callable[[Interrupted], str]) -> Iterator[None]:
    """End the process and its children with one line, whatever is being done.

    For what is done again from its beginning, and for the first process of a container, on which
    a signal that nothing handles has no effect.

    Args:
        describe: gives the line.
    """
    ending = Ending(lambda number, _: [describe(interrupted(raised_by(number)))], 0)
    with _handled(lambda *_: None, ending):
        yield


@contextlib.contextmanager
def ends_with(words: LastWords) -> Iterator[None]:
    """Say these lines where the main thread does not end the process in time; else only one."""
    _last_words.append(words)
    try:
        yield
    finally:
        _last_words.remove(words)


def leave_to_main_thread(seconds: float | None = None) -> None:
    """Let the main thread describe the end. Does not return where another thread does already.

    Args:
        seconds: from the signal, after which the process ends all the same; None for the usual.
    """
    for ending in _endings:
        ending.leave_to_main_thread(seconds)


def interrupted(error: KeyboardInterrupt, doing: str = "", kept: str = "") -> Interrupted:
    """Describe an interruption in one line.

    Args:
        error: as it was raised.
        doing: a component that was running, if one was.
        kept: what is kept, and how to go on.
    """
    number = signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT
    by = "SIGTERM" if number == signal.SIGTERM else "Ctrl-C"
    where = f" in {doing}" if doing else ""
    return Interrupted(f"interrupted by {by}{where}{f'. {kept}' if kept else ''}", 128 + number)


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
    """What a signal raises, by its number."""
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _lines(number: int, hurried: bool) -> Iterable[str]:
    error = raised_by(number)
    if _last_words and not hurried:
        return _last_words[-1](error)
    return [f"customer-age: {interrupted(error)}"]


def _forked() -> None:
    """A forked process has the pipe of this one, which its signals do not concern."""
    if _endings:
        _endings.clear()
        signal.set_wakeup_fd(-1)
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)


os.register_at_fork(after_in_child=_forked)
