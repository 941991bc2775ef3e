"""What can end a run, and the exit code that tells automation which it was."""

import errno
import functools
import sqlite3
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_SAID_OF_IT = ("no space left on device", "database or disk is full", "disk quota exceeded")
"""By libraries that keep only the text of an error."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class RunError(Exception):
    """Ends a run with one clear line: what is wrong, where, and what to do."""

    exit_code = 1


class SettingsError(RunError):
    """The settings, or what they point at, cannot be used: nothing was started."""

    exit_code = 2


class ModelRefused(RunError):
    """The gate found the model not good enough."""

    exit_code = 3


class DataRefused(RunError):
    """The data are not what the schema and the limits ask for."""

    exit_code = 4


class NothingFound(RunError):
    """There is nothing of what was to be erased."""

    exit_code = 5


class Interrupted(RunError):
    """Ctrl-C (130) or SIGTERM (143) has ended it."""

    def __init__(self, line: str, exit_code: int) -> None:
        super().__init__(line)
        self.exit_code = exit_code


def explained_by(
    translate: Callable[[Exception], RunError | None],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Decorate a method that calls a service: its client's errors become one clear line.

    Args:
        translate: gives what to raise instead of an error; None lets the error pass as it is.
    """

    def decorate(method: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(method)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return method(*args, **kwargs)
            except Exception as error:
                translated = translate(error)
                if translated is None:
                    raise
                raise translated from error

        return call

    return decorate


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from or while handling, and so on; each once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def full_disk(error: BaseException) -> BaseException | None:
    """The cause of an error that is a disk, or a quota, without space; None where none is."""
    return next(filter(_is_full_disk, causes(error)), None)


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_DISK:
        return True
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return True
    return any(words in str(error).lower() for words in _SAID_OF_IT)
