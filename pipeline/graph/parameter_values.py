"""A run's parameters: values from the settings, or inputs of a pipeline that is compiled."""

from dataclasses import dataclass, fields
from typing import Any

from customer_age.components.run_parameters import RUN_PARAMETERS, Value

from ..settings.settings import Settings
from .cache_keys import RunKey


@dataclass(frozen=True)
class RunParameters:
    """Each is a value, or TFX's RuntimeParameter; `components.run_parameters` describes them."""

    data_path: Any
    batches: Any
    data_fingerprint: Any
    epochs: Any
    learning_rate: Any
    max_mae: Any
    min_test_photos: Any
    champion_tolerance: Any
    registry_uri: Any
    run_id: Any

    def by_name(self) -> dict[str, Any]:
        """Name to value."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def values(settings: Settings, key: RunKey, run_id: str = "") -> dict[str, Value]:
    """What a run with these settings is started with.

    Args:
        settings: of the run.
        key: of the run; its data fingerprint is empty where the data cannot be seen from here.
        run_id: of the run.
    """
    known = {"data_fingerprint": key.data, "run_id": run_id, "registry_uri": settings.registry_uri}
    return {
        parameter.name: known[parameter.name]
        if parameter.name in known
        else _text(_setting(settings, parameter.setting))
        for parameter in RUN_PARAMETERS
    }


def fixed(settings: Settings, key: RunKey, run_id: str = "") -> RunParameters:
    """For a run that starts now: plain values."""
    return RunParameters(**values(settings, key, run_id))


def pipeline_inputs(settings: Settings) -> RunParameters:
    """For a pipeline that is compiled; the settings' values are the defaults."""
    from tfx.orchestration.data_types import RuntimeParameter

    defaults = values(settings, RunKey())
    return RunParameters(
        **{
            parameter.name: RuntimeParameter(
                name=parameter.name, ptype=parameter.type, default=defaults[parameter.name]
            )
            for parameter in RUN_PARAMETERS
        }
    )


def _setting(settings: Settings, dotted: str) -> Any:
    value: Any = settings
    for name in dotted.split("."):
        value = getattr(value, name, None)
    return value


def _text(value: Any) -> Value:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else value
