"""What one check of the machine found."""

import enum
from dataclasses import asdict, dataclass
from typing import Any


class State(enum.Enum):
    """How a thing stands."""

    GOOD = "✓"
    BAD = "✗"
    """A run needs it, and would fail."""
    ABSENT = "\N{EN DASH}"
    """No run needs it, or these settings do not ask for it."""


@dataclass(frozen=True)
class Finding:
    """A line of the doctor's.

    Attributes:
        name: of what was checked, such as `free disk`.
        state: how it stands.
        says: what was seen.
        advice: what to do about it; empty where nothing is to be done.
    """

    name: str
    state: State
    says: str
    advice: str = ""

    def line(self) -> str:
        """The finding in one line, whatever a library put into its message."""
        advice = f" → {self.advice}" if self.advice else ""
        return " ".join(f"{self.state.value} {self.name}: {self.says}{advice}".split())

    def as_json(self) -> dict[str, str]:
        """For another process; see `of_json`."""
        return {**asdict(self), "state": self.state.name}

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> "Finding":
        """What `as_json` made."""
        return cls(**{**content, "state": State[content["state"]]})


def good(name: str, says: str) -> Finding:
    """It is as a run needs it."""
    return Finding(name, State.GOOD, says)


def bad(name: str, says: str, advice: str) -> Finding:
    """A run would fail on it."""
    return Finding(name, State.BAD, says, advice)


def absent(name: str, says: str, advice: str = "") -> Finding:
    """It is not there, and need not be."""
    return Finding(name, State.ABSENT, says, advice)
