"""The settings of the model registry."""

from pydantic import Field, field_validator

from customer_age.redaction import require_no_secret
from customer_age.schema.strict_model import StrictModel


class RegistrySettings(StrictModel):
    """Where models are published."""

    uri: str | None = None
    """By default MLflow on SQLite in the work folder. Else `mlflow+sqlite:////folder/mlflow.db`,
    `mlflow+http(s)://host:port`, `vertex://project/region/model?staging=gs://bucket/folder` or
    `kubeflow-registry(+https)://host:port/model?artifacts=s3://bucket/folder`. The last one's token
    goes only to the host that CUSTOMER_AGE_TRUSTED_REGISTRY names, in `cluster.environment` for
    pods: a run may be started with another address."""
    model_name: str = Field("customer-age", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")

    @field_validator("uri")
    @classmethod
    def _holds_no_secret(cls, uri: str | None) -> str | None:
        """Settings are written into the metadata, the report and the registry itself."""
        return uri and require_no_secret(
            uri,
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, in the environment",
        )
