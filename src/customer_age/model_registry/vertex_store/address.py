"""Read a `vertex://` URI: a model in Vertex AI's registry and the location of its files."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from customer_age.errors import SettingsError

EXAMPLE = "vertex://project/region/model?staging=gs://bucket/folder"

_REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
_PROJECT = re.compile(r"[a-z0-9][a-z0-9-]*")
_MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_STAGING = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](/[^/?]+)*")

_CONTINENTS = {"us": "us", "northamerica": "us", "southamerica": "us", "asia": "asia"}
_CONTINENTS |= {"australia": "asia", "europe": "europe", "me": "europe", "africa": "europe"}
"""Vertex AI's own images are in three registries."""


@dataclass(frozen=True)
class VertexAddress:
    """A model in Vertex AI's registry.

    Attributes:
        project: of Google Cloud.
        region: such as `europe-west4`.
        model: the id of the model that has the versions.
        staging: the folder in Cloud Storage for its files, such as `gs://bucket/folder/model`.
    """

    project: str
    region: str
    model: str
    staging: str

    @classmethod
    def of(cls, uri: str, model_name: str) -> "VertexAddress":
        """Read `vertex://project/region/model?staging=gs://bucket/folder`.

        Args:
            uri: in which `/model` is optional.
            model_name: the model's id if the URI contains none.

        Raises:
            SettingsError: a part is missing, or is not accepted by Vertex AI.
        """
        parts = urlsplit(uri)
        region, *model = parts.path.strip("/").split("/")
        if "@" in parts.netloc or not parts.netloc or len(model) > 1 or parts.fragment:
            raise SettingsError(f"registry.uri: write Vertex AI's registry as {EXAMPLE}")
        if not _PROJECT.fullmatch(parts.netloc):
            raise SettingsError(
                f"registry.uri: {parts.netloc!r} is not a valid project; write its id or number, "
                f"as in {EXAMPLE}"
            )
        if not _REGION.fullmatch(region):
            raise SettingsError(
                f"registry.uri: {region!r} is not a valid region; write a region such as "
                f"europe-west4 after the project, as in {EXAMPLE}"
            )
        model_id = model[0] if model else model_name
        if not _MODEL_ID.fullmatch(model_id):
            name = "registry.uri" if model else "registry.model_name"
            raise SettingsError(
                f"{name}: {model_id!r} is not a valid id of a model in Vertex AI; use at most 63 "
                "of a-z, 0-9, _ and -, and do not begin with a digit or -"
            )
        return cls(parts.netloc, region, model_id, f"{_staging(parts.query)}/{model_id}")

    @property
    def parent(self) -> str:
        """The resource name of the region."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def name(self) -> str:
        """The resource name of the model."""
        return f"{self.parent}/models/{self.model}"

    @property
    def endpoint(self) -> str:
        """The host of the region's API."""
        return f"{self.region}-aiplatform.googleapis.com"

    @property
    def serving_image(self) -> str:
        """The newest of Vertex AI's own containers for TensorFlow models."""
        continent = _CONTINENTS.get(self.region.partition("-")[0], "us")
        return f"{continent}-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"


def _staging(query: str) -> str:
    parameters = parse_qsl(query, keep_blank_values=True)
    if [name for name, _ in parameters] != ["staging"]:
        raise SettingsError(
            "registry.uri: Vertex AI reads a model's files from Cloud Storage; add the folder for "
            f"them as the only parameter: {EXAMPLE}"
        )
    _, named = parameters[0]
    staging = named.rstrip("/")
    if not _STAGING.fullmatch(staging):
        raise SettingsError(
            f"registry.uri: staging={named} is not a valid folder in Cloud Storage; write it as in "
            f"{EXAMPLE}"
        )
    return staging
