"""The errors that end a run, and the exit code of each for automation."""

import errno
import functools
import sqlite3
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_FULL_DISK_TEXTS = ("no space left on device", "database or disk is full", "disk quota exceeded")
"""For libraries that keep only the text of an error."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class RunError(Exception):
    """Ends a run with one clear line: what is wrong, where, and what to do."""

    exit_code = 1


class SettingsError(RunError):
    """The settings, or the data they point to, cannot be used: nothing was started."""

    exit_code = 2


class ModelRefused(RunError):
    """The gate refused the model: its quality is not sufficient."""

    exit_code = 3


class DataRefused(RunError):
    """The data do not match the schema or exceed the limits."""

    exit_code = 4


class NothingFound(RunError):
    """The data to erase do not exist."""

    exit_code = 5


class Interrupted(RunError):
    """Ctrl-C (exit code 130) or SIGTERM (143) ended the run."""

    def __init__(self, line: str, exit_code: int) -> None:
        super().__init__(line)
        self.exit_code = exit_code


def explained_by(
    translate: Callable[[Exception], RunError | None],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Return a decorator for methods that call a service: client errors become one clear line.

    Args:
        translate: returns the error to raise instead, or None to raise the original error.
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
    """Yield the error, then its cause or context, then theirs, and so on; each error once."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def full_disk(error: BaseException) -> BaseException | None:
    """Return the cause of an error that is a full disk or quota; None if no cause is one."""
    return next(filter(_is_full_disk, causes(error)), None)


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_DISK:
        return True
    if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
        return True
    return any(words in str(error).lower() for words in _FULL_DISK_TEXTS)
