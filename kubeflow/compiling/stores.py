"""Checks that Kubeflow's launcher and the components can open the stores in the settings.

The launcher opens the pipeline root in one of two ways (backend/src/v2/{config,objectstore} of
kubeflow/pipelines): with the `providers` in the ConfigMap `kfp-launcher`, or with the options after
the root's `?`, which override the providers. Without either, it uses the environment, and only
finds AWS. The components open everything that is not an artifact themselves.
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
"""The options that both the launcher and `files.addresses` support."""

_INSTEAD = {
    "disableSSL": "begin the endpoint with http://",
    "s3ForcePathStyle": "write use_path_style=true",
    "verify": "set AWS_CA_BUNDLE in cluster.environment to the certificates",
}
"""Options of older launchers, or of our other addresses, and what to write instead."""

_ENDPOINT = re.compile(r"https?://[^/?#@\s]+/?")
_REGION = re.compile(r"[a-z0-9-]+")
_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def check_root(settings: Settings) -> None:
    """Refuse a pipeline root that the launcher cannot open on any cluster.

    Raises:
        SettingsError: its options are not valid, or do not identify a store.
    """
    root = settings.cluster.pipeline_root
    for wrong in _complaints(root, _variables(settings)) if has_options(root) else ():
        raise SettingsError(f"cluster.pipeline_root: {wrong}")


def check_data(settings: Settings) -> None:
    """Refuse locations of data that no component can open.

    Raises:
        SettingsError: a bucket has its endpoint only in the pipeline root's options.
    """
    data = settings.reached().data
    for name in ("path", "inbox", "batch_cache"):
        address = getattr(data, name)
        if not address or not addresses.is_remote(address):
            continue
        _require_endpoint(settings, name, address)


def has_options(root: str) -> bool:
    """Return whether a pipeline root has options, which the launcher uses to open it."""
    return "?" in root


def keeps_cache(root: str) -> bool:
    """Return whether the launcher can open the artifacts of an earlier run.

    It uses the root's options only for the artifacts of its own run. It opens the artifacts of
    another run, from the cache, with the environment.
    """
    return not has_options(root)


def how_opened(root: str) -> str:
    """Describe for people what the launcher needs to open a pipeline root."""
    if has_options(root):
        return "opened with the options of the pipeline root"
    if root.startswith("s3://"):
        return f"opened with {_BY_PROVIDERS}; without them, only on AWS with AWS_REGION set"
    return ""


def _complaints(root: str, variables: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a root's options; only the first one is reported."""
    query = root.partition("?")[2]
    options = dict(parse_qsl(query, keep_blank_values=True))
    endpoint, path_style = options.get("endpoint"), options.get("use_path_style")
    if root.startswith("gs://"):
        yield "a root on gs:// has no options; remove the ? and all that follows"
    for unknown in (name for name in options or (query or "?",) if name not in _OPTIONS):
        instead = _INSTEAD.get(unknown, f"write {_EXAMPLE}, or use {_BY_PROVIDERS}")
        yield f"{unknown} is not a valid option of a root: {instead}"
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        yield f"endpoint={endpoint} is not valid: write http://HOST:PORT or https://HOST"
    if "region" in options and not _REGION.fullmatch(options["region"]):
        yield f"region={options['region']} is not valid: write a region such as us-east-1"
    if path_style not in (None, "true", "false"):
        yield f"use_path_style={path_style} is not valid: write true or false"
    if endpoint and not _is_aws(endpoint) and path_style is None:
        yield (
            f"the launcher would look for {_bucket(root)}.{urlsplit(endpoint).netloc}; add "
            "&use_path_style=true (or false, if the store has a host name for each bucket)"
        )
    if "region" not in options and not any(name in variables for name in _REGION_VARIABLES):
        yield "the launcher needs a region for every store; add &region=us-east-1"


def _require_endpoint(settings: Settings, name: str, address: str) -> None:
    """Refuse data in the root's bucket without an endpoint: they would be looked for on AWS."""
    root = settings.cluster.pipeline_root
    endpoint = dict(parse_qsl(root.partition("?")[2])).get("endpoint")
    has_endpoint = "endpoint" in addresses.options(address) or any(
        variable in _variables(settings) for variable in _ENDPOINT_VARIABLES
    )
    same = address.startswith("s3://") and _bucket(address) == _bucket(root)
    if endpoint and same and not has_endpoint:
        raise SettingsError(
            f"data.{name}: {address} would be looked for on AWS, but its bucket is the pipeline "
            f"root's at {endpoint}; add ?endpoint={endpoint}, or set AWS_ENDPOINT_URL in "
            "cluster.environment for all addresses"
        )


def _bucket(address: str) -> str:
    return address.partition("://")[2].partition("?")[0].partition("/")[0]


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _variables(settings: Settings) -> dict[str, str]:
    """Return every container's environment variables: name to value, empty if it is secret."""
    cluster = settings.cluster
    secret = {
        variable: "" for each in cluster.secret_environment for variable in each.variables.values()
    }
    return secret | dict(cluster.environment)
