"""The result of one check of the machine."""

import enum
from dataclasses import asdict, dataclass
from typing import Any


class State(enum.Enum):
    """The state of one check."""

    GOOD = "✓"
    BAD = "✗"
    """A run needs it, and would fail."""
    ABSENT = "\N{EN DASH}"
    """It is not available, and a run with these settings does not need it."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's output.

    Attributes:
        name: the name of the check, such as `work folder`.
        state: the state.
        result: what was found.
        advice: what to do; empty if there is nothing to do.
    """

    name: str
    state: State
    result: str
    advice: str = ""

    def line(self) -> str:
        """Return the finding on one line, even if a library's message has several."""
        advice = f" → {self.advice}" if self.advice else ""
        return " ".join(f"{self.state.value} {self.name}: {self.result}{advice}".split())

    def as_json(self) -> dict[str, str]:
        """Return the finding as JSON for another process; `of_json` reads it."""
        return {**asdict(self), "state": self.state.name}

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> "Finding":
        """Return the finding from the result of `as_json`."""
        return cls(**{**content, "state": State[content["state"]]})


def good(name: str, result: str) -> Finding:
    """Return a finding of something that a run can use."""
    return Finding(name, State.GOOD, result)


def bad(name: str, result: str, advice: str) -> Finding:
    """Return a finding that a run would fail on."""
    return Finding(name, State.BAD, result, advice)


def absent(name: str, result: str, advice: str = "") -> Finding:
    """Return a finding of something that is neither available nor needed."""
    return Finding(name, State.ABSENT, result, advice)
