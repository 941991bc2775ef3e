"""A run's parameters: values from the settings, or inputs of a compiled pipeline."""

from customer_age.components.run_parameters import TYPES, RunParameters, from_settings

from ..settings.settings import Settings
from .cache_keys import RunKey


def fixed(settings: Settings, key: RunKey, run_id: str = "") -> RunParameters:
    """Return the parameters of a run with these settings.

    Args:
        settings: the run's settings.
        key: the run's key; its data fingerprint is empty if the data cannot be read from here.
        run_id: the run's id.
    """
    return from_settings(
        settings, data_fingerprint=key.data, run_id=run_id, registry_uri=settings.registry_uri
    )


def pipeline_inputs(settings: Settings) -> RunParameters:
    """Return the inputs of a compiled pipeline; their defaults come from the settings."""
    from tfx.orchestration.data_types import RuntimeParameter

    return RunParameters(
        **{
            name: RuntimeParameter(name=name, ptype=TYPES[name], default=default)
            for name, default in vars(fixed(settings, RunKey())).items()
        }
    )
