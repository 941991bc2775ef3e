"""The settings of the model registry."""

from pydantic import Field, ValidationInfo, field_validator

from customer_age.errors import SettingsError
from customer_age.redaction import require_no_secret
from customer_age.schema.strict_model import StrictModel

from . import address_forms

_ANY_NAME = "ages"
"""Of a model, where only the address beside it is judged; every registry takes it."""

_MOST_LETTERS = 255
"""What MLflow's and ML Metadata's tables keep of a model's name."""


class RegistrySettings(StrictModel):
    """Where models are published."""

    uri: str | None = None
    """By default MLflow on SQLite in the work folder. Else `mlflow+sqlite:////folder/mlflow.db`,
    `mlflow+http(s)://host:port`, `vertex://project/region/model?staging=gs://bucket/folder` or
    `kubeflow-registry(+https)://host:port/model?artifacts=s3://bucket/folder`. The last one's token
    goes only to the host that CUSTOMER_AGE_TRUSTED_REGISTRY names, in `cluster.environment` for
    pods: a run may be started with another address."""
    model_name: str = Field(
        "customer-age", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=_MOST_LETTERS
    )

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str | None) -> str | None:
        """Settings are written into the metadata, the report and the registry itself."""
        return uri and require_no_secret(
            uri,
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, in the environment",
        )

    @field_validator("uri")
    @classmethod
    def _is_a_registry(cls, uri: str | None) -> str | None:
        if uri is not None:
            address_forms.require_host(uri)
            _judge(uri, _ANY_NAME)
        return uri

    @field_validator("model_name")
    @classmethod
    def _is_taken_by_the_registry(cls, model_name: str, info: ValidationInfo) -> str:
        if uri := info.data.get("uri"):
            _judge(uri, model_name)
        return model_name


def _judge(uri: str, model_name: str) -> None:
    """See that a registry's address is of a kind that is supported; nothing is asked there."""
    from customer_age.model_registry import open_registry  # takes a moment; most runs need none

    try:
        open_registry(uri, model_name)
    except SettingsError as error:
        name, _, sentence = str(error).partition(": ")
        raise ValueError(sentence if name.startswith("registry.") else str(error)) from None
