"""The parameters that can differ between the runs of one compiled pipeline.

Everything is derived from `RunParameters`: to add a run parameter, add a field there and use it.
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
    """The declaration of a run parameter, without its name and type."""

    setting: str
    """Its section and name in the settings; empty if no setting corresponds to it."""
    description: str
    """For the person who starts a run in a UI."""
    is_list: bool = False
    """The setting is a list of names; the parameter is the same names, comma-separated."""


def _input(setting: str, description: str, is_list: bool = False) -> Any:
    return field(metadata={"about": About(setting, description, is_list)})


@dataclass(frozen=True)
class RunParameters:
    """The inputs of a compiled pipeline.

    In a compiled pipeline, which is started later, each is a TFX RuntimeParameter.
    """

    data_path: str = _input(
        "data.path",
        "The data set: a folder with label tables and photos, as gs:// or s3://.",
    )
    batches: str = _input(
        "data.batches",
        "Batches of the inbox to train on in addition to the data set: comma-separated names.",
        is_list=True,
    )
    data_fingerprint: str = _input("", "Changes when the data change; customer-age submit sets it.")
    epochs: int = _input(
        "trainer.epochs", "Maximum epochs of the whole network; training may stop earlier."
    )
    learning_rate: float = _input(
        "trainer.learning_rate", "Peak learning rate of the whole network's schedule."
    )
    max_mae: float = _input(
        "gate.max_mae",
        "Years: a model with a larger mean absolute error on the test photos is not published.",
    )
    min_test_photos: int = _input(
        "gate.min_test_photos", "A model that was measured on fewer test photos is not published."
    )
    champion_tolerance: float = _input(
        "gate.champion_tolerance",
        "Years by which the champion may be better than a model that is published.",
    )
    registry_uri: str = _input("registry.uri", "The model registry, as the setting registry.uri.")
    run_id: str = _input("", "Any name; the registry records it with the version of the run.")


TYPES: Mapping[str, type[Value]] = get_type_hints(RunParameters)
ABOUT: Mapping[str, About] = {each.name: each.metadata["about"] for each in fields(RunParameters)}


def from_settings(settings: Any, **known: Value) -> RunParameters:
    """Return the parameters of a run with these settings.

    Args:
        settings: with a section for each of the declared settings.
        known: parameters that the settings do not set, or that override them.
    """
    values: dict[str, Any] = {
        name: known[name] if name in known else _as_parameter(settings, about)
        for name, about in ABOUT.items()
    }
    return RunParameters(**values)


def to_settings(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings that run parameters set: section to name to value.

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
    """Return a copy of the compiled settings, with the parameters of a run applied."""
    changed = to_settings(vars(parameters))
    return {**settings, **{name: {**settings.get(name, {}), **changed[name]} for name in changed}}


def optional_parameters() -> "dict[str, ExecutionParameter]":
    """Return entries for the `PARAMETERS` of a ComponentSpec; a local run leaves them out."""
    from tfx.types.component_spec import ExecutionParameter  # slow, and settings import this file

    return {
        f"{_PREFIX}{name}": ExecutionParameter(type=kind, optional=True)
        for name, kind in TYPES.items()
    }


def to_properties(parameters: RunParameters | None) -> dict[str, Any]:
    """Return the execution properties that pass the run's parameters, if any, to a component."""
    values = vars(parameters) if parameters else {}
    return {f"{_PREFIX}{name}": value for name, value in values.items()}


def from_properties(exec_properties: Mapping[str, Any]) -> RunParameters | None:
    """Read the run's parameters from a component's execution properties; None in a local run."""
    values = {name: exec_properties.get(f"{_PREFIX}{name}") for name in ABOUT}
    known: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return RunParameters(**known) if known else None


def run_key(compiled: str, parameters: RunParameters) -> str:
    """Return a fingerprint of all that decides a run's result: 16 hexadecimal digits.

    Args:
        compiled: the key that was compiled into the pipeline.
        parameters: of the run; `run_id` does not count, because it does not change the result.
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
