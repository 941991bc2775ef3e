"""The token for a Kubeflow Model Registry, and which registry gets it.

Anyone who may start runs may start one with another `registry_uri`. So an address alone does not
get the token: the person who compiles the pipeline must also have named its host.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from customer_age.errors import SettingsError

TOKEN_PATH = "KF_PIPELINES_SA_TOKEN_PATH"
"""The variable that names the file of the token; by default it is the pod's own."""

TRUSTED = "CUSTOMER_AGE_TRUSTED_REGISTRY"
"""The variable that names the one host that gets the token; in pods `cluster.environment` sets it,
which takes no name with `token` in it."""

HOW = (
    f"{TOKEN_PATH} in the environment names the file that holds a token, and {TRUSTED} the host "
    "that gets it"
)

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Where Kubernetes puts a pod's own token."""

_HERE = ("localhost", "127.0.0.1", "::1")
_IN_THE_CLUSTER = (".svc", ".svc.cluster.local")
"""What the names of a cluster's services end in, when they are written in full."""


def token_for(address: str) -> str | None:
    """The token that a registry gets, if any.

    Args:
        address: such as `https://registry.example.com:443`.

    Returns:
        None where no host is named, or another one, or there is no token.

    Raises:
        SettingsError: the host is named, but anyone on the way could read the token; or the file
            that is named cannot be read; or what names the host is not a host.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if host.rstrip(".") != _named_host():
        return None
    if parts.scheme != "https" and not _stays_inside(host.rstrip(".")):
        raise SettingsError(
            f"registry.uri: {address} would get the token where others can read it; use "
            "kubeflow-registry+https://, or a service's name in full, as in NAME.NAMESPACE.svc"
        )
    return _read()


def _named_host() -> str | None:
    named = os.environ.get(TRUSTED, "").strip().lower().rstrip(".")
    host = named.removeprefix("[").removesuffix("]")
    if set(host) & set("/@?#*, ") or host.count(":") == 1:
        raise SettingsError(
            f"{TRUSTED}: takes one host without scheme and port, as in "
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
            return None  # not in a pod, and the service may ask for none
        raise SettingsError(f"{TOKEN_PATH}: {named} cannot be read ({error.strerror})") from error
