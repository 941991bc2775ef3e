"""Ends a process in time after a signal, even if its main thread is busy."""

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NoReturn

REACTION_SECONDS = 1.0
"""How long to wait for the main thread to notice a signal; native code delays it."""

SECONDS = 4.5
"""The longest time from a signal to the end of the process."""

_POLL_SECONDS = 0.1
_LEAST_PRIORITY = 19
_OVER = 0
"""Ends the watch when it is in the pipe; no signal has this number."""


class Ending:
    """A thread that waits for a signal, and then for the main thread to end the process.

    Args:
        speak: returns the last lines to print; its arguments are the signal's number and whether
            there is time for only one line.
        reaction_seconds: how long to wait for the main thread.
    """

    def __init__(
        self,
        speak: Callable[[int, bool], Iterable[str]],
        reaction_seconds: float = REACTION_SECONDS,
    ):
        self._speak = speak
        self._reaction_seconds = reaction_seconds
        self._seconds = SECONDS
        self._lock = threading.Lock()
        self._speaker: threading.Thread | None = None
        self._spoken = False
        self._screen = -1

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch for the signals that have a handler in Python; call this in the main thread.

        Python writes a signal's number to a pipe at once, even if the main thread is busy.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._screen = os.dup(2)  # a copy, because a run redirects standard error to its log
        before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        watch = threading.Thread(target=self._watch, args=(reader,), daemon=True, name="ending")
        watch.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            os.write(writer, bytes([_OVER]))
            watch.join()
            for each in (reader, writer, self._screen):
                os.close(each)

    def leave_to_main_thread(self, seconds: float | None = None) -> None:
        """Let the main thread describe the end. Never return if another thread describes it.

        Args:
            seconds: after the signal, when the process ends in any case; None for `SECONDS`.
        """
        if seconds is not None:
            self._seconds = seconds
        if not self._may_speak():
            threading.Event().wait()
        _let_others_wait()

    def _may_speak(self) -> bool:
        """Return whether the calling thread describes the end: the first that calls this does."""
        with self._lock:
            self._speaker = self._speaker or threading.current_thread()
            return self._speaker is threading.current_thread()

    def _watch(self, reader: int) -> None:
        number = _heard(reader, None) or _OVER
        started = time.monotonic()
        if number == _OVER:
            return
        second = _heard(reader, self._reaction_seconds)
        if second is None:
            threading.Thread(target=self._last_words, args=(number,), daemon=True).start()
        while second is None and time.monotonic() < started + self._seconds:
            second = _heard(reader, _POLL_SECONDS)
        if second == _OVER:
            return
        if second is None and not self._spoken:
            self._say(self._speak(number, True))
        end(128 + number)

    def _last_words(self, number: int) -> None:
        if not self._may_speak():
            return
        _let_others_wait()
        try:
            self._say(self._speak(number, False))
        except Exception:  # the watch ends the process with one line
            logging.exception("The outcome could not be described.")
            return
        end(128 + number)

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._spoken = True
            with contextlib.suppress(OSError):  # there is no reader any more
                os.write(self._screen, f"{line}\n".encode(errors="replace"))


def end(exit_code: int) -> NoReturn:
    """End the process and its children now.

    Otherwise threads of libraries and child processes would continue.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # there is no reader any more
            stream.flush()
    kill_children()
    os._exit(exit_code)


def kill_children() -> None:
    """Kill the children of this process, their children, and so on."""
    for child in _descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)


def _let_others_wait() -> None:
    """Give this thread priority over the process's others, which may keep every core busy."""
    for file in Path("/proc/self/task").iterdir():
        if int(file.name) != threading.get_native_id():
            with contextlib.suppress(OSError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, int(file.name), _LEAST_PRIORITY)


def _descendants(process: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    parents = dict(_parents())
    found = [process]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def _parents() -> Iterator[tuple[int, int]]:
    """Return each process on this machine, and its parent."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended
            # The program's name comes first, in brackets, and may contain any character.
            fields = file.read_text(errors="replace").rpartition(")")[2].split()
            yield int(file.parent.name), int(fields[1])


def _heard(reader: int, seconds: float | None) -> int | None:
    """Wait for a signal.

    Returns:
        Its number, `_OVER`, or None if none came in time.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([reader], [], [], left)[0]:
            return None
        [number] = os.read(reader, 1)
        if number in (signal.SIGINT, signal.SIGTERM, _OVER):
            return number
