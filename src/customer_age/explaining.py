"""From whatever a service's client raises to one clear line."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from customer_age.errors import RunError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def explained_by(
    tell: Callable[[Exception], RunError | None],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Decorate a method that asks a service.

    Args:
        tell: what to raise instead of an error; None to let it pass as it is.
    """

    def explained(method: Callable[_P, _T]) -> Callable[_P, _T]:
        @functools.wraps(method)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return method(*args, **kwargs)
            except Exception as error:
                told = tell(error)
                if told is None:
                    raise
                raise told from error

        return call

    return explained
