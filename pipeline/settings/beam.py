"""The settings of Beam."""

from pydantic import Field, field_validator

from customer_age.components import beam_runners
from customer_age.redaction import SECRET_OPTION, names_a_secret
from customer_age.schema.strict_model import StrictModel


class BeamSettings(StrictModel):
    """How Beam runs ingestion, statistics, evaluation and scoring; see `docs/beam.md`."""

    workers: int = Field(0, ge=0, le=1024)
    """Threads of the local runner; 0 means one per core."""
    args: tuple[str, ...] = ()
    """More Beam options, each as `--name=value`, for example `--runner=DataflowRunner`."""

    @field_validator("args")
    @classmethod
    def _hold_no_secret(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        for name, _, value in (arg.partition("=") for arg in args):
            if SECRET_OPTION.search(name) or names_a_secret(value):
                raise ValueError(
                    f"{name} must not be set here: settings are recorded. Object stores "
                    "read their credentials from the environment"
                )
        return args

    @field_validator("args")
    @classmethod
    def _name_what_the_runner_needs(cls, args: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := beam_runners.complaint(args):
            raise ValueError(wrong)
        return args
