"""Read the token for a Kubeflow Model Registry, and decide which registry receives it.

Anyone who can start runs can set another `registry_uri`. So the address alone is not enough to
receive the token: the person who compiles the pipeline must also name its host.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from customer_age.errors import SettingsError

TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
"""The variable with the path of the token's file; the default is the pod's own token."""

TRUSTED = "CUSTOMER_AGE_TRUSTED_REGISTRY"
"""The variable with the one host that receives the token. In pods, `cluster.environment` sets it,
which does not accept names that contain `token`."""

TOKEN_HINT = (
    f"set {TOKEN_PATH} in the environment to the file that contains a token, and {TRUSTED} to the "
    "host that receives it"
)

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Kubernetes's path of a pod's own token."""

_HERE = ("localhost", "127.0.0.1", "::1")
_IN_THE_CLUSTER = (".svc", ".svc.cluster.local")
"""The endings of the full names of a cluster's services."""


def token_for(address: str) -> str | None:
    """Return the token for a registry, if any.

    Args:
        address: such as `https://registry.example.com:443`.

    Returns:
        The token; None if no host or another host is trusted, or there is no token.

    Raises:
        SettingsError: the host is trusted, but the token would be sent without TLS; or the token's
            file cannot be read; or the trusted host is not valid.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host.rstrip(".") != _named_host():
        return None
    if parts.scheme != "https" and not _stays_inside(host.rstrip(".")):
        raise SettingsError(
            f"registry.uri: {address} would receive the token without encryption; use "
            "kubeflow-registry+https://, or the full name of a service, as in NAME.NAMESPACE.svc"
        )
    return _read()


def _named_host() -> str | None:
    named = os.environ.get(TRUSTED, "").strip().lower().rstrip(".")
    host = named.removeprefix("[").removesuffix("]")
    if set(host) & set("/@?#*, ") or host.count(":") == 1:
        raise SettingsError(
            f"{TRUSTED}: must be one host without scheme and port, as in "
            "model-registry-service.kubeflow.svc.cluster.local"
        )
    return host or None


def _stays_inside(host: str) -> bool:
    return host in _HERE or host.endswith(_IN_THE_CLUSTER)


def _read() -> str | None:
    named = os.environ.get(TOKEN_PATH)
    try:
        return (Path(named) if named else _SERVICE_ACCOUNT).read_text().strip() or None
    except OSError as error:
        if not named:
            return None  # not in a pod, and the service may not require a token
        raise SettingsError(f"{TOKEN_PATH}: {named} cannot be read ({error.strerror})") from error
