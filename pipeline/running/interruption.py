"""Ends a command on SIGTERM (Kubernetes, systemd, `docker stop`) as Ctrl-C does.

What is being done stops at the next step, temporary files are deleted, and a run writes its report.
A second signal ends the process at once.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from customer_age.errors import Interrupted


class Terminated(KeyboardInterrupt):
    """SIGTERM has come."""


@contextlib.contextmanager
def as_exceptions() -> Iterator[None]:
    """Let SIGTERM raise `Terminated`, and Ctrl-C a KeyboardInterrupt, in the main thread, once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


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


def end(exit_code: int) -> NoReturn:
    """End the process now: threads of libraries would go on with what they are doing."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)
