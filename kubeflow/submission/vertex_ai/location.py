"""Where and how a pipeline runs on Vertex AI: the command line's options, checked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from customer_age.errors import SettingsError

_REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]|([a-z0-9.-]+:)?[a-z][a-z0-9-]+|[0-9]+")
_SERVICE_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9.-]*@[a-z0-9-]+(\.[a-z0-9-]+)+")
_NETWORK = re.compile(r"projects/[0-9]+/global/networks/[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64


@dataclass(frozen=True)
class VertexLocation:
    """A region of a project, and the service account and network of the pipelines there.

    Attributes:
        project: of Google Cloud.
        region: such as `europe-west4`.
        service_account: that the components run as; empty for the project's default.
        network: VPC network to peer with, as `projects/123/global/networks/name`, or empty.
        labels: of the job.
    """

    project: str
    region: str
    service_account: str = ""
    network: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check each option.

        Raises:
            SettingsError: an option is missing, or Vertex AI would not accept it.
        """
        for option, value, pattern, example in (
            ("--project", self.project, _PROJECT, "shop-123"),
            ("--region", self.region, _REGION, "europe-west4"),
            (
                "--service-account",
                self.service_account,
                _SERVICE_ACCOUNT,
                "name@shop-123.iam.gserviceaccount.com",
            ),
            ("--network", self.network, _NETWORK, "projects/123/global/networks/name"),
        ):
            needed = option in ("--project", "--region")
            if (value or needed) and not pattern.fullmatch(value):
                what = f"{value!r} is not valid" if value else "is missing"
                raise SettingsError(f"{option} {what}; write it as in {example}")
        if len(self.labels) > _MOST_LABELS:
            raise SettingsError(f"--label: a job can have at most {_MOST_LABELS} labels")
        for key, value in self.labels.items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                raise SettingsError(
                    f"--label {key}={value}: key and value must be at most 63 of a-z, 0-9, _ and "
                    "-, and the key must start with a letter"
                )

    @property
    def parent(self) -> str:
        """The resource name of the region."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def endpoint(self) -> str:
        """The host that answers for the region."""
        return f"{self.region}-aiplatform.googleapis.com"

    def job(self, run_id: str) -> str:
        """Return the resource name of a job."""
        return f"{self.parent}/pipelineJobs/{run_id}"

    def link(self, run_id: str) -> str:
        """Return the URL of a job's page."""
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self.region}/pipelines/runs/"
            f"{run_id}?project={self.project}"
        )

    def shown(self) -> dict[str, str]:
        """Describe the location for people, as label to value."""
        return {
            "target": f"Vertex AI Pipelines in {self.project}, {self.region}",
            "service account": self.service_account,
            "network": self.network,
            "labels": ", ".join(f"{key}={value}" for key, value in self.labels.items()),
        }


def labels(texts: Sequence[str]) -> dict[str, str]:
    """Read the labels of the command line.

    Args:
        texts: such as `team=offers`.

    Raises:
        SettingsError: a label has no `=`, or a key is given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key in found:
            why = "is given twice" if equals else "write it as key=value, as in team=offers"
            raise SettingsError(f"--label {text}: {why}")
        found[key] = value
    return found
