"""The plan of a submission, made within a second or two, before anything is compiled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from customer_age import redaction
from customer_age.components.run_parameters import ABOUT, TYPES, Value, to_settings
from customer_age.errors import SettingsError
from customer_age.files import DataUnavailable
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey, code_of_all, weights_fingerprint
from customer_age.pipeline.settings import messages, yaml_reader
from customer_age.pipeline.settings.draft import printable
from customer_age.pipeline.settings.settings import Settings

from ..compiling import stores, target_support
from . import data_fingerprint, run_ids


@dataclass(frozen=True)
class Plan:
    """A run to submit.

    Attributes:
        settings: that the pipeline is compiled with.
        run_id: identifies the run: submitted again, it starts nothing.
        run_name: the run's name on the service's pages; empty for the run id.
        parameters: all run parameters, including those that the settings set.
        cache: whether tasks may reuse cached results; False if the pipeline root has options.
        data_unknown: why the data's fingerprint is not known here; empty if it is known.
    """

    settings: Settings
    run_id: str
    run_name: str
    parameters: Mapping[str, Value]
    cache: bool
    data_unknown: str


def plan(
    settings: Settings,
    target: target_support.Target,
    run_id: str = "",
    run_name: str = "",
    overrides: Mapping[str, str | None] | None = None,
    cache: bool = True,
) -> Plan:
    """Plan a submission.

    Args:
        settings: of the pipeline.
        target: the service that will run it.
        run_id: identifies the run; by default derived from all that decides its result.
        run_name: the run's name on the service's pages.
        overrides: run parameters that override the settings, as returned by `read_parameters`.
        cache: whether tasks may reuse cached results.

    Raises:
        SettingsError: a parameter (one line for each), the run id or the run's name is not valid,
            or something that the target needs is missing.
    """
    run_ids.check_name(run_name)
    overrides = overrides or {}
    of_run = _with_parameters(settings, overrides)
    target_support.check(of_run, target)
    if of_run.data.path is None:
        raise SettingsError(
            "data.path: is not set; set --data to a folder in a bucket (gs:// or s3://)"
        )
    data, data_unknown = _data_fingerprint(of_run, overrides)
    key = RunKey(
        settings=of_run.fingerprint(),
        data=data,
        weights=weights_fingerprint(of_run.trainer.weights),
        code=code_of_all(of_run.cluster.images),
    )
    run_id = run_ids.check(run_id) if run_id else run_ids.derived(settings, key)
    return Plan(
        settings=settings,
        run_id=run_id,
        run_name=run_name,
        parameters=vars(parameter_values.fixed(of_run, key, run_id)),
        cache=cache and stores.keeps_cache(of_run.cluster.pipeline_root),
        data_unknown=data_unknown,
    )


def read_parameters(texts: Sequence[str]) -> dict[str, str | None]:
    """Split the run parameters of the command line, such as `epochs=3`.

    Returns:
        Name to value, None if there is no `=`. `plan` checks both.
    """
    parts = (text.partition("=") for text in texts)
    return {name: value if equals else None for name, equals, value in parts}


def _with_parameters(settings: Settings, overrides: Mapping[str, str | None]) -> Settings:
    """Apply run parameters; each has the limits of its setting, and must hold no secret."""
    mistakes, values = [], {}
    for name, text in overrides.items():
        if wrong := _complaint(name, text):
            mistakes.append(f"--param {name}: {wrong}")
        else:
            values[name] = _value(name, text or "")
    changed = {}
    for section, overridden in to_settings(values).items():
        before = getattr(settings, section)
        try:
            changed[section] = type(before)(**{**dict(before), **overridden})
        except ValidationError as error:
            mistakes += _refused(section, error)
    if mistakes:
        lines = (printable(redaction.hide_credentials(mistake)) for mistake in mistakes)
        raise SettingsError("\n".join(lines))
    return settings.model_copy(update=changed)


def _complaint(name: str, text: str | None) -> str:
    """Describe what is wrong with a parameter, apart from its value; empty if nothing is."""
    if text is None:
        return "write it as name=value, as in epochs=3"
    if name == "run_id":
        return "cannot be set here; use --run-id instead"
    if not yaml_reader.is_unicode(text):
        return "is not UTF-8"
    if name in ABOUT:
        return ""
    import difflib

    near = difflib.get_close_matches(name.lower().replace("-", "_"), ABOUT, n=1)
    instead = f"; did you mean {near[0]}?" if near else f" (known: {', '.join(ABOUT)})"
    return f"unknown run parameter{instead}"


def _value(name: str, text: str) -> Any:
    """Read a number as a settings file would; any other text stays text, and is refused later."""
    if TYPES[name] is str:
        return text
    try:
        value = yaml_reader.read(text).value
    except yaml_reader.NotYaml:
        return text
    return text if value is None else value


def _refused(section: str, error: ValidationError) -> Iterator[str]:
    """Describe the errors of a section of the settings, by the parameters that set them."""
    names = {about.setting: name for name, about in ABOUT.items()}
    for part in error.errors():
        setting = ".".join(map(str, (section, *messages.place_of(part)[:1])))
        name = names.get(setting)
        place = f"--param {name}" if name else f"--param: {setting}"
        written = part["input"] if isinstance(part["input"], str) else None
        yield f"{place}: {messages.sentence(part, Settings, written)}"


def _data_fingerprint(settings: Settings, overrides: Mapping[str, str | None]) -> tuple[str, str]:
    """Return the data's fingerprint, or why it is not known."""
    if fingerprint := overrides.get("data_fingerprint"):
        return fingerprint, ""
    try:
        return data_fingerprint.fingerprint(settings), ""
    except DataUnavailable as error:
        return "", str(error)
