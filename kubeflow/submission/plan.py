"""What a submission will be: known within a second or two, before anything is compiled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from customer_age import redaction
from customer_age.components.run_parameters import ABOUT, TYPES, Value, to_settings
from customer_age.errors import SettingsError
from customer_age.files import DataAway
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey, code_of_all, weights_fingerprint
from customer_age.pipeline.settings import messages, yaml_reader
from customer_age.pipeline.settings.draft import printable
from customer_age.pipeline.settings.settings import Settings

from ..compiling import stores, target_support
from . import data_fingerprint, run_ids


@dataclass(frozen=True)
class Plan:
    """A run that is to be submitted.

    Attributes:
        settings: that the pipeline is compiled with.
        run_id: that makes it one run, however often it is submitted.
        run_name: what the service's pages call it, or empty for the run id.
        parameters: of the run, those that the settings say included.
        cache: whether tasks may take what they did before; never where the pipeline root has
            options.
        data_unknown: why the data's fingerprint is not known here, or empty where it is.
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
    """Decide what is submitted.

    Args:
        settings: of the pipeline.
        target: where it is to run.
        run_id: that makes it one run; by default derived from all that decides its result.
        run_name: what the service's pages call it.
        overrides: run parameters that are not to be what the settings say, as `read_parameters`
            gives them.
        cache: whether tasks may take what they did before.

    Raises:
        SettingsError: parameters are wrong, with one line for each; or the run id or the run's
            name is; or something that the target needs is missing.
    """
    run_ids.check_name(run_name)
    overrides = overrides or {}
    of_run = _with_parameters(settings, overrides)
    target_support.check(of_run, target)
    if of_run.data.path is None:
        raise SettingsError(
            "data.path: no data set given; point --data at a folder in a bucket, as gs:// or s3://"
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
    """Split run parameters as the command line gives them, such as `epochs=3`.

    Returns:
        Name to what is given for it, None where there is no `=`; `plan` judges all of it.
    """
    parts = (text.partition("=") for text in texts)
    return {name: value if equals else None for name, equals, value in parts}


def _with_parameters(settings: Settings, overrides: Mapping[str, str | None]) -> Settings:
    """A parameter may say what its setting may say: the same limits, and no secret either."""
    mistakes, values = [], {}
    for name, text in overrides.items():
        if wrong := _complaint(name, text):
            mistakes.append(f"--param {name}: {wrong}")
        else:
            values[name] = _value(name, text or "")
    changed = {}
    for section, said in to_settings(values).items():
        before = getattr(settings, section)
        try:
            changed[section] = type(before)(**{**dict(before), **said})
        except ValidationError as error:
            mistakes += _refused(section, error)
    if mistakes:
        lines = (printable(redaction.hide_credentials(mistake)) for mistake in mistakes)
        raise SettingsError("\n".join(lines))
    return settings.model_copy(update=changed)


def _complaint(name: str, text: str | None) -> str:
    """What is wrong with a parameter, whatever its value may be; empty where nothing is."""
    if text is None:
        return "write it as name=value, as in epochs=3"
    if name == "run_id":
        return "say --run-id, which is more than a parameter"
    if not yaml_reader.is_unicode(text):
        return "is not UTF-8"
    if name in ABOUT:
        return ""
    import difflib

    near = difflib.get_close_matches(name.lower().replace("-", "_"), ABOUT, n=1)
    instead = f"; did you mean {near[0]}?" if near else f" (there are: {', '.join(ABOUT)})"
    return f"no such run parameter{instead}"


def _value(name: str, text: str) -> Any:
    """Numbers are written as in a settings file; what is not one stays text, and is refused."""
    if TYPES[name] is str:
        return text
    try:
        value = yaml_reader.read(text).value
    except yaml_reader.NotYaml:
        return text
    return text if value is None else value


def _refused(section: str, error: ValidationError) -> Iterator[str]:
    """What a section of the settings finds wrong, by the parameters that say it."""
    names = {about.setting: name for name, about in ABOUT.items()}
    for part in error.errors():
        setting = ".".join(map(str, (section, *messages.place_of(part)[:1])))
        name = names.get(setting)
        place = f"--param {name}" if name else f"--param: {setting}"
        written = part["input"] if isinstance(part["input"], str) else None
        yield f"{place}: {messages.sentence(part, Settings, written)}"


def _data_fingerprint(settings: Settings, overrides: Mapping[str, str | None]) -> tuple[str, str]:
    """What changes with the data, or why that is not known."""
    if given := overrides.get("data_fingerprint"):
        return given, ""
    try:
        return data_fingerprint.fingerprint(settings), ""
    except DataAway as error:
        return "", str(error)
