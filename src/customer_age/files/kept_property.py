"""A property that is worked out once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class kept_property(Generic[Value]):  # noqa: N801  written as `property` is
    """`functools.cached_property` as it is from Python 3.12 on.

    Up to 3.11 all objects of a class share its lock: a store that does not answer one folder's
    question would hold up all the others. Without it, two threads that ask one object at the same
    time may both work the value out.
    """

    def __init__(self, work: Callable[[Any], Value]):
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Value:
        value: Value = self._work(instance)
        # Found there, before this is asked again; also where the class is frozen.
        instance.__dict__[self._name] = value
        return value
