"""Which stores Kubeflow's launcher and the components can open, as far as the settings tell.

The launcher opens the pipeline root in one of two ways (backend/src/v2/{config,objectstore} of
kubeflow/pipelines): by the `providers` in the ConfigMap `kfp-launcher`, or by the options behind
the root's `?`, which take the providers' place. Without either, the environment decides, and a
store that is not AWS's own is not found. All that is no artifact is opened by the components.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from customer_age.errors import SettingsError
from customer_age.files import addresses
from customer_age.pipeline.settings.settings import Settings

_EXAMPLE = "?endpoint=http://HOST:PORT&use_path_style=true&region=us-east-1"
_BY_PROVIDERS = "providers in the ConfigMap kfp-launcher"

_OPTIONS = ("endpoint", "region", "use_path_style")
"""Of those that the launcher knows, the ones that `files.addresses` understands too."""

_INSTEAD = {
    "disableSSL": "begin the endpoint with http://",
    "s3ForcePathStyle": "say use_path_style=true",
    "verify": "let AWS_CA_BUNDLE in cluster.environment name the certificates",
}
"""Options that older launchers knew, or that other addresses of ours have."""

_ENDPOINT = re.compile(r"https?://[^/?#@\s]+/?")
_REGION = re.compile(r"[a-z0-9-]+")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def check_root(settings: Settings) -> None:
    """Refuse a pipeline root that the launcher cannot open, whatever the cluster has.

    Raises:
        SettingsError: its options are not valid, or do not lead to a store.
    """
    root = settings.cluster.pipeline_root
    for wrong in _complaints(root, _variables(settings)) if has_options(root) else ():
        raise SettingsError(f"cluster.pipeline_root: {wrong}")


def check_data(settings: Settings) -> None:
    """Refuse places of data that no component can open.

    Raises:
        SettingsError: a bucket whose endpoint is only the root's.
    """
    data = settings.reached().data
    for name in ("path", "inbox", "batch_cache"):
        address = getattr(data, name)
        if not address or not addresses.is_remote(address):
            continue
        _require_endpoint(settings, name, address)


def has_options(root: str) -> bool:
    """Whether options stand behind a pipeline root, by which the launcher opens it."""
    return "?" in root


def keeps_cache(root: str) -> bool:
    """Whether the launcher can open what an earlier run left.

    It has the root's options for the artifacts of its own run alone; another run's, taken from the
    cache, it opens by the environment.
    """
    return not has_options(root)


def how_opened(root: str) -> str:
    """For a person to read: what the cluster must have for the launcher to open a root."""
    if has_options(root):
        return "opened by the options behind the pipeline root"
    if root.startswith("s3://"):
        return f"opened by {_BY_PROVIDERS}; without them, only at AWS and with AWS_REGION set"
    return ""


def _complaints(root: str, variables: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with a root's options; the first one counts."""
    query = root.partition("?")[2]
    given = dict(parse_qsl(query, keep_blank_values=True))
    endpoint, path_style = given.get("endpoint"), given.get("use_path_style")
    if root.startswith("gs://"):
        yield "a root on gs:// takes no options; leave out what stands behind the ?"
    for unknown in (name for name in given or (query or "?",) if name not in _OPTIONS):
        instead = _INSTEAD.get(unknown, f"write {_EXAMPLE}, or use {_BY_PROVIDERS}")
        yield f"{unknown} is not a valid option of a root: {instead}"
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        yield f"endpoint={endpoint} is not valid: write http://HOST:PORT or https://HOST"
    if "region" in given and not _REGION.fullmatch(given["region"]):
        yield f"region={given['region']} is not valid: write one as us-east-1"
    if path_style not in (None, "true", "false"):
        yield f"use_path_style={path_style} is not valid: say true or false"
    if endpoint and not _is_aws(endpoint) and path_style is None:
        yield (
            f"the launcher would look for {_bucket(root)}.{urlsplit(endpoint).netloc}; add "
            "&use_path_style=true (or false, where the store has a name for each bucket)"
        )
    if "region" not in given and not any(name in variables for name in _REGION_VARIABLES):
        yield "the launcher needs a region, whatever the store; add &region=us-east-1"


def _require_endpoint(settings: Settings, name: str, address: str) -> None:
    """Refuse the root's bucket at another store than the root's: who means that says so."""
    root = settings.cluster.pipeline_root
    endpoint = dict(parse_qsl(root.partition("?")[2])).get("endpoint")
    said = "endpoint" in addresses.options(address) or any(
        variable in _variables(settings) for variable in _ENDPOINT_VARIABLES
    )
    same = address.startswith("s3://") and _bucket(address) == _bucket(root)
    if endpoint and same and not said:
        raise SettingsError(
            f"data.{name}: {address} would be looked for at AWS, and its bucket is the pipeline "
            f"root's at {endpoint}; add ?endpoint={endpoint}, or let AWS_ENDPOINT_URL in "
            "cluster.environment name it for all"
        )


def _bucket(address: str) -> str:
    return address.partition("://")[2].partition("?")[0].partition("/")[0]


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _variables(settings: Settings) -> dict[str, str]:
    """The environment variables that every container has: name to value, empty where secret."""
    cluster = settings.cluster
    secret = {
        variable: "" for each in cluster.secret_environment for variable in each.variables.values()
    }
    return secret | dict(cluster.environment)
