"""Where and how a pipeline runs on Vertex AI: what the command line says of it, checked."""

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
    """A region of a project, and as whom and in which network pipelines run there.

    Attributes:
        project: of Google Cloud.
        region: such as `europe-west4`.
        service_account: as which the components run, or empty for the project's default.
        network: that they are peered with, as `projects/123/global/networks/name`, or empty.
        labels: of the job.
    """

    project: str
    region: str
    service_account: str = ""
    network: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check each.

        Raises:
            SettingsError: one is missing, or is not what Vertex AI takes.
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
                raise SettingsError(f"{option} {what}; it is given as in {example}")
        if len(self.labels) > _MOST_LABELS:
            raise SettingsError(f"--label: a job has at most {_MOST_LABELS}")
        for key, value in self.labels.items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                raise SettingsError(
                    f"--label {key}={value}: key and value take at most 63 of a-z, 0-9, _ and -, "
                    "and a letter comes first in the key"
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
        """The resource name of a job."""
        return f"{self.parent}/pipelineJobs/{run_id}"

    def link(self, run_id: str) -> str:
        """To a job's page."""
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self.region}/pipelines/runs/"
            f"{run_id}?project={self.project}"
        )

    def shown(self) -> dict[str, str]:
        """For a person to read, label to value."""
        return {
            "target": f"Vertex AI Pipelines in {self.project}, {self.region}",
            "service account": self.service_account,
            "network": self.network,
            "labels": ", ".join(f"{key}={value}" for key, value in self.labels.items()),
        }


def labels(texts: Sequence[str]) -> dict[str, str]:
    """Read labels as the command line gives them.

    Args:
        texts: such as `team=offers`.

    Raises:
        SettingsError: one has no `=`, or a key comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key in found:
            why = "comes twice" if equals else "write it as key=value, as in team=offers"
            raise SettingsError(f"--label {text}: {why}")
        found[key] = value
    return found
