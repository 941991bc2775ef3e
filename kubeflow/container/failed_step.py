"""The one line that the log of a failed step ends with."""

from collections.abc import Mapping

from customer_age.errors import DataRefused, ModelRefused, RunError, SettingsError
from customer_age.pipeline.running import failures
from customer_age.redaction import hide_credentials

from .launcher_paths import with_original_uris

_ENDED = {
    DataRefused: "refused the data",
    ModelRefused: "refused the model",
    SettingsError: "cannot work with these settings",
    RunError: "failed",
}


def last_line(
    error: BaseException, executor_class_path: str, originals: Mapping[str, str]
) -> tuple[str, int]:
    """Say why a component ended.

    Args:
        error: what ended it.
        executor_class_path: of the component.
        originals: what its executor opened to the URI of the artifact.

    Returns:
        The line, and the exit code.
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
    return line, explained.exit_code


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
