"""The settings of the model registry."""

from pydantic import Field, ValidationInfo, field_validator

from customer_age.errors import SettingsError
from customer_age.redaction import require_no_secret
from customer_age.schema.strict_model import StrictModel

from . import address_forms

_ANY_NAME = "ages"
"""A model name that every registry accepts, to check an address alone."""

_MAX_CHARACTERS = 255
"""Longest model name in the tables of MLflow and ML Metadata."""


class RegistrySettings(StrictModel):
    """Where models are published."""

    uri: str | None = None
    """By default MLflow on SQLite in the work folder. Others: `mlflow+sqlite:////folder/mlflow.db`,
    `mlflow+http(s)://host:port`, `vertex://project/region/model?staging=gs://bucket/folder` or
    `kubeflow-registry(+https)://host:port/model?artifacts=s3://bucket/folder`. The token of the
    last one is sent only to the host in CUSTOMER_AGE_TRUSTED_REGISTRY (for pods, set it in
    `cluster.environment`), because a run may be started with another address."""
    model_name: str = Field(
        "customer-age", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=_MAX_CHARACTERS
    )

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str | None) -> str | None:
        """Refuse secrets: settings are written to the metadata, the report and the registry."""
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
            _require_supported(uri, _ANY_NAME)
        return uri

    @field_validator("model_name")
    @classmethod
    def _is_valid_in_the_registry(cls, model_name: str, info: ValidationInfo) -> str:
        if uri := info.data.get("uri"):
            _require_supported(uri, model_name)
        return model_name


def _require_supported(uri: str, model_name: str) -> None:
    """Check that a registry's address is of a supported kind, without a request."""
    from customer_age.model_registry import open_registry  # slow to import; rarely needed

    try:
        open_registry(uri, model_name)
    except SettingsError as error:
        name, _, sentence = str(error).partition(": ")
        raise ValueError(sentence if name.startswith("registry.") else str(error)) from None
