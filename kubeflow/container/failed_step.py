"""The last line in the log of a failed step."""

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
    """Whether another try may succeed."""

    NEVER = "never"
    """It would fail in the same way."""
    UNLESS_SAME = "unless the same"
    """Perhaps; but not if two tries in a row end with the same line."""
    ALWAYS = "always"
    """The cause is outside the component: a store, a service, the machine."""


@dataclasses.dataclass(frozen=True)
class Failure:
    """How a try ended."""

    line: str
    """Begins with `customer-age: `."""
    exit_code: int
    repeat: Repeat

    def write(self, folder: Path) -> None:
        """Write it to a file for the process that repeats the try."""
        fields = {**dataclasses.asdict(self), "repeat": self.repeat.value}
        (folder / _FILE).write_text(json.dumps(fields), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Failure | None":
        """Read the failure of a try; return None if it succeeded or was killed."""
        try:
            fields = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):  # killed, perhaps during the write
            return None
        return cls(**{**fields, "repeat": Repeat(fields["repeat"])})


def failure_of(
    error: BaseException, executor_class_path: str, originals: Mapping[str, str]
) -> Failure:
    """Describe in one line why a component failed, and whether another try may succeed.

    Args:
        error: that ended it.
        executor_class_path: of the component.
        originals: opened path to the URI of the artifact.
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
        before: the failure of the last try; empty if there was none.
    """
    why = "for example because of cluster.timeout_seconds, or because its node was drained"
    failed = f"; the try before failed: {before}" if before else ""
    return f"customer-age: {component} {stopped}, {why}{failed}"


def _repeat(error: BaseException, explained: RunError) -> Repeat:
    """Decide whether to try again.

    Args:
        error: that ended the component.
        explained: the error that people see: our own, or made from a library's error.
    """
    if isinstance(explained, _REFUSALS) or isinstance(error, _OF_PROGRAMS):
        return Repeat.NEVER
    # Our stores and registries raise one clear line, with the error of a service's client as cause.
    if explained.__cause__ is not None or any(map(_is_outside, causes(error))):
        return Repeat.ALWAYS
    return Repeat.UNLESS_SAME


def _is_outside(error: BaseException) -> bool:
    """Whether a store, a network or the machine failed, which may work again in a minute."""
    return isinstance(error, OSError) and not isinstance(error, _OF_PATHS)


def component_name(executor_class_path: str) -> str:
    """Return a component's name, from the path of its executor's class.

    The executor of a function with TFX's `@component` has the component's name, as in
    `data_gate.DataGate_Executor`; otherwise the module's folder has it, as in
    `registry_pusher.executor.Executor`.
    """
    *modules, executor = executor_class_path.split(".")
    if executor.endswith("_Executor"):
        return executor.removesuffix("_Executor")
    module = next((name for name in reversed(modules) if name not in ("executor", "component")), "")
    return "".join(word.capitalize() for word in module.split("_")) or executor_class_path
