"""The lineage of a published model."""

from typing import Any

from customer_age.schema.strict_model import StrictModel

from ..run_parameters import RunParameters, applied, run_key


class Lineage(StrictModel):
    """What a version records of its run; passed to the component as JSON.

    Attributes:
        run_key: fingerprint of all that decides the run's result.
        data_fingerprint: empty if the data were not read before the run.
        weights_fingerprint: of the weights that training started from.
        code_version: fingerprint of the components' code.
        tfx_version: of the TFX that built the pipeline.
        settings: compiled into the pipeline, nested as in a settings file, without secrets.
    """

    run_key: str
    data_fingerprint: str
    weights_fingerprint: str
    code_version: str
    tfx_version: str
    settings: dict[str, Any]

    def of_run(self, parameters: RunParameters | None) -> "Lineage":
        """Return the lineage of a run that was started with these parameters."""
        if parameters is None:
            return self
        return self.model_copy(
            update={
                "run_key": run_key(self.run_key, parameters),
                "data_fingerprint": parameters.data_fingerprint,
                "settings": applied(self.settings, parameters),
            }
        )

    def tags(self) -> dict[str, str]:
        """Return the part of the lineage that becomes the version's tags."""
        return self.model_dump(exclude={"settings"})
