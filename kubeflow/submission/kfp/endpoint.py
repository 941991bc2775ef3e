"""Where a pipeline runs on Kubeflow Pipelines: the command line's options, checked."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from customer_age.errors import SettingsError
from customer_age.pipeline.settings.kubernetes_names import (
    LABEL_RULE,
    SUBDOMAIN_RULE,
    is_label,
    is_subdomain,
)

_LONGEST_EXPERIMENT = 255
"""Characters of a name that the tables of Kubeflow Pipelines keep."""
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""The file in which Kubernetes gives a pod its own namespace."""

_AS_IN = "http://localhost:8080"


@dataclass(frozen=True)
class KubeflowEndpoint:
    """An experiment of a user on Kubeflow Pipelines, and the identity of its runs.

    Attributes:
        host: URL of the API.
        experiment: its name; the first run creates it.
        namespace: of the user, or empty. A Kubeflow Pipelines with one user ignores it.
        service_account: the Kubernetes service account of a run's pods; empty for the default.
        token_command: prints a token for the API; or empty.
    """

    host: str
    experiment: str
    namespace: str = ""
    service_account: str = ""
    token_command: str = field(default="", repr=False)

    @classmethod
    def of(
        cls,
        host: str | None,
        experiment: str,
        namespace: str = "",
        service_account: str = "",
        token_command: str = "",
    ) -> "KubeflowEndpoint":
        """Check the options of the command line.

        Args:
            host: URL; without a scheme, `https://` is added.
            experiment: its name.
            namespace: if empty, the pod's own namespace, if this process runs in a pod.
            service_account: or empty.
            token_command: or empty.

        Raises:
            SettingsError: an option is missing or not valid.
        """
        host = host or ""
        if not host:
            raise SettingsError(
                "--host is missing; give the URL of the Kubeflow Pipelines API, such as "
                f"{_AS_IN}, or set KF_PIPELINES_ENDPOINT"
            )
        url = host if "://" in host else f"https://{host}"
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise SettingsError(
                "--host: must not contain a user or a password, because it is printed"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise SettingsError(f"--host {host}: is not a valid URL, such as {_AS_IN}")
        if not experiment.strip():
            raise SettingsError("--experiment: must not be empty")
        if len(experiment) > _LONGEST_EXPERIMENT or not experiment.isprintable():
            raise SettingsError(
                f"--experiment: must have at most {_LONGEST_EXPERIMENT} characters on one line"
            )
        if namespace and not is_label(namespace):
            raise SettingsError(
                f"--namespace {namespace}: is not a valid name of a namespace: write {LABEL_RULE}"
            )
        if service_account and not is_subdomain(service_account):
            raise SettingsError(
                f"--service-account {service_account}: is not a valid name of a service account: "
                f"write {SUBDOMAIN_RULE}"
            )
        place = namespace or _own_namespace()
        return cls(url.rstrip("/"), experiment, place, service_account, token_command)

    def shown(self) -> dict[str, str]:
        """Describe the endpoint for people, as label to value."""
        return {
            "target": f"Kubeflow Pipelines at {self.host}",
            "namespace": self.namespace,
            "experiment": self.experiment,
            "service account": self.service_account,
        }


def _own_namespace() -> str:
    try:
        return _POD_NAMESPACE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""  # not in a pod
