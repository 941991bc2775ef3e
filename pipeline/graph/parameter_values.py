"""A run's parameters: values from the settings, or inputs of a pipeline that is compiled."""

from customer_age.components.run_parameters import TYPES, RunParameters, from_settings

from ..settings.settings import Settings
from .cache_keys import RunKey


def fixed(settings: Settings, key: RunKey, run_id: str = "") -> RunParameters:
    """What a run with these settings is started with.

    Args:
        settings: of the run.
        key: of the run; its data fingerprint is empty where the data cannot be seen from here.
        run_id: of the run.
    """
    return from_settings(
        settings, data_fingerprint=key.data, run_id=run_id, registry_uri=settings.registry_uri
    )


def pipeline_inputs(settings: Settings) -> RunParameters:
    """For a pipeline that is compiled; the settings' values are the defaults."""
    from tfx.orchestration.data_types import RuntimeParameter

    return RunParameters(
        **{
            name: RuntimeParameter(name=name, ptype=TYPES[name], default=default)
            for name, default in vars(fixed(settings, RunKey())).items()
        }
    )
