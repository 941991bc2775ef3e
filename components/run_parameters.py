"""What may be changed from run to run of a pipeline that was compiled once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_age.schema.batch_names import split_names

if TYPE_CHECKING:
    from tfx.types.component_spec import ExecutionParameter

Value = str | int | float

_PREFIX = "run_parameter_"


@dataclass(frozen=True)
class RunParameter:
    """One input of a compiled pipeline."""

    name: str
    type: type[str] | type[int] | type[float]
    setting: str
    """Its place in the settings, dotted; empty for what no settings file says."""
    description: str
    """For whoever starts a run in a UI."""


RUN_PARAMETERS = (
    RunParameter(
        "data_path",
        str,
        "data.path",
        "The data set: a folder with label tables and photos, as gs://, s3:// or minio://.",
    ),
    RunParameter(
        "batches",
        str,
        "data.batches",
        "Batches of the inbox to learn from besides the data set: names with commas between.",
    ),
    RunParameter(
        "data_fingerprint",
        str,
        "",
        "Changes whenever the data do; customer-age submit fills it in.",
    ),
    RunParameter(
        "epochs", int, "trainer.epochs", "Epochs of the whole network, at most: it may stop sooner."
    ),
    RunParameter(
        "learning_rate", float, "trainer.learning_rate", "Peak of the whole network's schedule."
    ),
    RunParameter(
        "max_mae",
        float,
        "gate.max_mae",
        "Years: a model whose mean absolute error on the test photos is larger is not published.",
    ),
    RunParameter(
        "min_test_photos",
        int,
        "gate.min_test_photos",
        "A model that was measured on fewer photos is not published.",
    ),
    RunParameter(
        "champion_tolerance",
        float,
        "gate.champion_tolerance",
        "Years by which the champion may be better than what is published.",
    ),
    RunParameter(
        "registry_uri", str, "registry.uri", "The model registry, as the setting registry.uri."
    ),
    RunParameter(
        "run_id", str, "", "Stands in the registry beside what the run publishes; any name."
    ),
)

BY_NAME = {parameter.name: parameter for parameter in RUN_PARAMETERS}


def properties(values: Mapping[str, Any]) -> dict[str, Any]:
    """The execution properties in which a component gets the run's parameters.

    Args:
        values: run parameter to value, or to what stands for it in a compiled pipeline.
    """
    return {f"{_PREFIX}{name}": value for name, value in values.items()}


def optional_parameters() -> "dict[str, ExecutionParameter]":
    """For the `PARAMETERS` of a ComponentSpec that takes them; a local run leaves them out."""
    from tfx.types.component_spec import ExecutionParameter  # heavy, and settings import this file

    kinds = properties({each.name: each.type for each in RUN_PARAMETERS})
    return {name: ExecutionParameter(type=kind, optional=True) for name, kind in kinds.items()}


def overrides(exec_properties: Mapping[str, Any]) -> dict[str, Value]:
    """The run's parameters among a component's execution properties; none in a local run."""
    return {
        name: exec_properties[f"{_PREFIX}{name}"]
        for name in BY_NAME
        if exec_properties.get(f"{_PREFIX}{name}") is not None
    }


def applied(settings: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    """The settings of a run whose parameters were set at its start.

    Args:
        settings: as they were compiled, nested as in a settings file.
        values: run parameter to value; every name is one of `RUN_PARAMETERS`.

    Returns:
        A copy.
    """
    result = json.loads(json.dumps(settings))
    for name, value in values.items():
        *sections, key = BY_NAME[name].setting.split(".")
        inner = result
        for section in sections:
            inner = inner.setdefault(section, {})
        if key:
            inner[key] = split_names(str(value)) if name == "batches" else value
    return result


def run_key(compiled: str, values: Mapping[str, Value]) -> str:
    """What decides a run's result: 16 hexadecimal digits.

    Args:
        compiled: the key that was compiled into the pipeline.
        values: the run's parameters; `run_id` changes no result.
    """
    deciding = {name: value for name, value in values.items() if name != "run_id"}
    text = compiled + json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if deciding else compiled
