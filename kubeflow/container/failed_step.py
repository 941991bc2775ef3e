"""The one line that the log of a failed step ends with."""

import dataclasses
import enum
import json
from collections.abc import Mapping
from pathlib import Path

from customer_age.errors import (
    DataRefused,
    Interrupted,
    ModelRefused,
    RunError,
    SettingsError,
    causes,
)
from customer_age.pipeline.running import failures
from customer_age.redaction import hide_credentials

from .launcher_paths import with_original_uris

_ENDED = {
    DataRefused: "refused the data",
    ModelRefused: "refused the model",
    SettingsError: "cannot work with these settings",
    RunError: "failed",
}

_REFUSALS = (SettingsError, DataRefused, ModelRefused)
_OF_PROGRAMS = (
    *(ImportError, SyntaxError, NameError, AttributeError, TypeError),
    *(NotImplementedError, AssertionError),
)
_OF_PATHS = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
_FILE = "failure.json"


class Repeat(enum.Enum):
    """Whether another try may end better."""

    NEVER = "never"
    """It would fail the same way."""
    UNLESS_SAME = "unless the same"
    """Perhaps; a second time in the same words is the end."""
    ALWAYS = "always"
    """Something else failed: a store, a service, the machine."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """How a try ended."""

    line: str
    """Begins with `customer-age: `."""
    exit_code: int
    repeat: Repeat

    def write(self, folder: Path) -> None:
        """Leave it to the process that repeats."""
        told = {**dataclasses.asdict(self), "repeat": self.repeat.value}
        (folder / _FILE).write_text(json.dumps(told), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Failure | None":
        """What a try left; nothing, if it succeeded or was killed."""
        try:
            told = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # killed, perhaps while it wrote
            return None
        return cls(**{**told, "repeat": Repeat(told["repeat"])})


def failure_of(
    error: BaseException, executor_class_path: str, originals: Mapping[str, str]
) -> Failure:
    """Say why a component ended, in one line, and whether another try may end better.

    Args:
        error: what ended it.
        executor_class_path: of the component.
        originals: what its executor opened to the URI of the artifact.
    """
    component = component_name(executor_class_path)
    explained = failures.explained(
        error, component, "the log above", more_space="give the container more (ephemeral storage)"
    )
    sentence = "; ".join(line.strip() for line in str(explained).splitlines() if line.strip())
    if not sentence.startswith(component):
        ended = next(words for kind, words in _ENDED.items() if isinstance(explained, kind))
        sentence = f"{component} {ended}: {sentence}"
    line = hide_credentials(with_original_uris(f"customer-age: {sentence}", originals))
    return Failure(line, explained.exit_code, _repeat(error, explained))


def interrupted_line(component: str, stopped: Interrupted, before: str = "") -> str:
    """Describe in one line that a signal ended a container.

    Args:
        component: its name.
        stopped: the signal.
        before: how the last try failed, where it did.
    """
    why = "as at the end of cluster.timeout_seconds, or with the pod's node"
    failed = f"; before that: {before}" if before else ""
    return f"customer-age: {component} {stopped}, {why}{failed}"


def _repeat(error: BaseException, explained: RunError) -> Repeat:
    """Whether to try again.

    Args:
        error: what ended the component.
        explained: what a person is told: our own error, or one that was made of a library's.
    """
    if isinstance(explained, _REFUSALS) or isinstance(error, _OF_PROGRAMS):
        return Repeat.NEVER
    # Our stores and registries raise their one clear line from what a service's client raised.
    if explained.__cause__ is not None or any(map(_is_outside, causes(error))):
        return Repeat.ALWAYS
    return Repeat.UNLESS_SAME


def _is_outside(error: BaseException) -> bool:
    """Whether a store, a network or the machine failed, which may be well again in a minute."""
    return isinstance(error, OSError) and not isinstance(error, _OF_PATHS)


def component_name(executor_class_path: str) -> str:
    """A component's name, from where its executor's class is.

    A function that TFX's `@component` decorates has an executor that bears its name, as in
    `data_gate.DataGate_Executor`; else the module's folder has it, as in
    `registry_pusher.executor.Executor`.
    """
    *modules, executor = executor_class_path.split(".")
    if executor.endswith("_Executor"):
        return executor.removesuffix("_Executor")
    module = next((name for name in reversed(modules) if name not in ("executor", "component")), "")
    return "".join(word.capitalize() for word in module.split("_")) or executor_class_path
