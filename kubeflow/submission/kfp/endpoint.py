"""Where a pipeline runs on Kubeflow Pipelines: what the command line says of it, checked."""

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
"""Where Kubernetes tells a pod its own."""

_AS_IN = "http://localhost:8080"


@dataclass(frozen=True)
class KubeflowEndpoint:
    """An experiment of a user on Kubeflow Pipelines, and as whom its runs run.

    Attributes:
        host: URL of the API.
        experiment: its name; it is made with the first run.
        namespace: of the user, or empty. Where Kubeflow Pipelines has one user, it takes no notice.
        service_account: of the cluster, that a run's pods have; empty for the service's default.
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
        """Check what a person says.

        Args:
            host: with `https://` where no scheme is named.
            experiment: its name.
            namespace: by default the pod's own, if we are in one.
            service_account: or empty.
            token_command: or empty.

        Raises:
            SettingsError: something is missing, or cannot be.
        """
        host = host or ""
        if not host:
            raise SettingsError(
                f"--host is missing; name the API of Kubeflow Pipelines, as in {_AS_IN}, or set "
                "KF_PIPELINES_ENDPOINT"
            )
        url = host if "://" in host else f"https://{host}"
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise SettingsError("--host: give no user or password in it, since it is printed")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise SettingsError(f"--host {host}: is no URL as in {_AS_IN}")
        if not experiment.strip():
            raise SettingsError("--experiment: takes a name")
        if len(experiment) > _LONGEST_EXPERIMENT or not experiment.isprintable():
            raise SettingsError(
                f"--experiment: takes at most {_LONGEST_EXPERIMENT} characters, all on one line"
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
        """For a person to read, label to value."""
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
