"""Where a published model comes from."""

from typing import Any

from customer_age.schema.strict_model import StrictModel

from ..run_parameters import RunParameters, applied, run_key


class Lineage(StrictModel):
    """What a version tells of its run; travels into the component as JSON.

    Attributes:
        run_key: stands for all that decides the run's result.
        data_fingerprint: empty where the data were not seen before the run.
        weights_fingerprint: of the weights that training started from.
        code_version: fingerprint of the components' code.
        tfx_version: that the pipeline was wired with.
        settings: as they were compiled, nested as in a settings file, without secrets.
    """

    run_key: str
    data_fingerprint: str
    weights_fingerprint: str
    code_version: str
    tfx_version: str
    settings: dict[str, Any]

    def of_run(self, parameters: RunParameters | None) -> "Lineage":
        """The lineage of a run, which may have been started with other parameters."""
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
        """What the version's tags hold of it."""
        return self.model_dump(exclude={"settings"})
