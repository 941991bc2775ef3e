"""What may be changed from run to run of a pipeline that was compiled once.

All is derived from `RunParameters`: to add a run parameter, add a field there, and use it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_type_hints

from customer_age.schema.batch_names import split_names

if TYPE_CHECKING:
    from tfx.types.component_spec import ExecutionParameter

Value = str | int | float

_PREFIX = "run_parameter_"


@dataclass(frozen=True)
class About:
    """What is declared of a run parameter besides its name and type."""

    setting: str
    """Its section and name in the settings; empty for what no settings file says."""
    description: str
    """For whoever starts a run in a UI."""
    is_list: bool = False
    """The setting is a list of names, which as a parameter have commas between them."""


def _input(setting: str, description: str, is_list: bool = False) -> Any:
    return field(metadata={"about": About(setting, description, is_list)})


@dataclass(frozen=True)
class RunParameters:
    """The inputs of a compiled pipeline.

    In a pipeline that is compiled now and started later, TFX's RuntimeParameter stands for each.
    """

    data_path: str = _input(
        "data.path",
        "The data set: a folder with label tables and photos, as gs:// or s3://.",
    )
    batches: str = _input(
        "data.batches",
        "Batches of the inbox to learn from besides the data set: names with commas between.",
        is_list=True,
    )
    data_fingerprint: str = _input(
        "", "Changes whenever the data do; customer-age submit fills it in."
    )
    epochs: int = _input(
        "trainer.epochs", "Epochs of the whole network, at most: it may stop sooner."
    )
    learning_rate: float = _input("trainer.learning_rate", "Peak of the whole network's schedule.")
    max_mae: float = _input(
        "gate.max_mae",
        "Years: a model whose mean absolute error on the test photos is larger is not published.",
    )
    min_test_photos: int = _input(
        "gate.min_test_photos", "A model that was measured on fewer photos is not published."
    )
    champion_tolerance: float = _input(
        "gate.champion_tolerance",
        "Years by which the champion may be better than what is published.",
    )
    registry_uri: str = _input("registry.uri", "The model registry, as the setting registry.uri.")
    run_id: str = _input("", "Stands in the registry beside what the run publishes; any name.")


TYPES: Mapping[str, type[Value]] = get_type_hints(RunParameters)
ABOUT: Mapping[str, About] = {each.name: each.metadata["about"] for each in fields(RunParameters)}


def from_settings(settings: Any, **known: Value) -> RunParameters:
    """The parameters of a run with these settings.

    Args:
        settings: with a section for each of the declared settings.
        known: what the settings do not say, or not as the run needs it.
    """
    values: dict[str, Any] = {
        name: known[name] if name in known else _as_parameter(settings, about)
        for name, about in ABOUT.items()
    }
    return RunParameters(**values)


def to_settings(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Section to what run parameters say in it, as settings have it.

    Args:
        values: run parameter to value.
    """
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        about = ABOUT[name]
        if about.setting:
            section, key = about.setting.split(".")
            sections.setdefault(section, {})[key] = _as_setting(value, name)
    return sections


def applied(settings: Mapping[str, Any], parameters: RunParameters) -> dict[str, Any]:
    """A copy of the settings that were compiled, with what a run was started with."""
    said = to_settings(vars(parameters))
    return {**settings, **{name: {**settings.get(name, {}), **said[name]} for name in said}}


def optional_parameters() -> "dict[str, ExecutionParameter]":
    """For the `PARAMETERS` of a ComponentSpec that takes them; a local run leaves them out."""
    from tfx.types.component_spec import ExecutionParameter  # heavy, and settings import this file

    return {
        f"{_PREFIX}{name}": ExecutionParameter(type=kind, optional=True)
        for name, kind in TYPES.items()
    }


def to_properties(parameters: RunParameters | None) -> dict[str, Any]:
    """The execution properties in which a component gets the run's parameters, if there are any."""
    values = vars(parameters) if parameters else {}
    return {f"{_PREFIX}{name}": value for name, value in values.items()}


def from_properties(exec_properties: Mapping[str, Any]) -> RunParameters | None:
    """The run's parameters among a component's execution properties; None in a local run."""
    values = {name: exec_properties.get(f"{_PREFIX}{name}") for name in ABOUT}
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return RunParameters(**given) if given else None


def run_key(compiled: str, parameters: RunParameters) -> str:
    """What decides a run's result: 16 hexadecimal digits.

    Args:
        compiled: the key that was compiled into the pipeline.
        parameters: of the run; `run_id` changes no result.
    """
    deciding = astuple(replace(parameters, run_id=""))
    return hashlib.sha256("\0".join(map(str, (compiled, *deciding))).encode()).hexdigest()[:16]


def _as_parameter(settings: Any, about: About) -> Value:
    value: Any = attrgetter(about.setting)(settings)
    if about.is_list:
        return ",".join(value)
    return "" if value is None else value


def _as_setting(value: Any, name: str) -> Any:
    if ABOUT[name].is_list:
        return tuple(split_names(value))
    return value or None if TYPES[name] is str else value
