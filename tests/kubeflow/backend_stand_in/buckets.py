"""The address of a bucket's objects for the launcher, and whether a server answers there.

Rules of backend/src/v2/objectstore/object_store.go, of gocloud.dev's s3blob in Kubeflow 2.17, and
of the AWS SDK's endpoints: a bucket becomes a part of the host's name unless path style is set, or
the host is an IP address.
"""

import dataclasses
import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from .launcher import ContainerFailed
from .objects import parts
from .pods import Cluster
from .sessions import Session

_OPTIONS = {
    *("region", "endpoint", "use_path_style", "disable_https", "accelerate", "anonymous"),
    *("profile", "dualstack", "fips", "hostname_immutable", "rate_limiter_capacity", "role"),
    *("request_checksum_calculation", "response_checksum_validation", "ssetype", "kmskeyid"),
    "awssdk",
}
"""All options of a root's query; `disableSSL` and `s3ForcePathStyle` were in older ones."""
_STRUCTURED = {"region", "endpoint", "disableSSL", "forcePathStyle", "maxRetries"}


@dataclasses.dataclass(frozen=True)
class Client:
    """A client of S3, reduced to the address that it connects to."""

    region: str
    endpoint: str = ""
    path_style: bool = False
    credentials: bool = False

    def address(self, bucket: str) -> str:
        """Return the URL of a bucket.

        Raises:
            ContainerFailed: the SDK cannot make a URL.
        """
        if not self.region:
            raise ContainerFailed(
                "failed to resolve service endpoint, endpoint rule error, Invalid region: region "
                "was not a valid DNS name."
            )
        url = urlsplit(self.endpoint or f"https://s3.{self.region}.amazonaws.com")
        if self.path_style or _is_ip(url.hostname or ""):
            return f"{url.scheme}://{url.netloc}/{bucket}"
        return f"{url.scheme}://{bucket}.{url.netloc}/"


@dataclasses.dataclass(frozen=True)
class Bucket:
    """An opened bucket, which has sent no request yet."""

    name: str
    client: Client | None
    cluster: Cluster

    def reach(self) -> None:
        """List it, or put something into it.

        Raises:
            ContainerFailed: no server answers at the address, or there is no address.
        """
        if self.client is None:
            return  # Cloud Storage, by the pod's own identity
        address = self.client.address(self.name)
        if not self.client.credentials:
            raise ContainerFailed("failed to refresh cached credentials, no EC2 IMDS role found")
        host = urlsplit(address).hostname or ""
        if not _is_known(host, self.cluster):
            raise ContainerFailed(f'Get "{address}": dial tcp: lookup {host}: no such host')


def open_bucket(
    uri: str, session: Session | None, environment: Mapping[str, str], cluster: Cluster
) -> Bucket:
    """OpenBucket.

    Args:
        uri: of the root, with its query, or of an artifact.
        session: of the root; None if a bucket is not the root's.
        environment: of the pod.
        cluster: of the pod.

    Raises:
        ContainerFailed: the query or the session's Secret is not valid.
    """
    scheme, name, _ = parts(uri)
    try:
        client = None if scheme == "gs" else _client(uri, session, environment, cluster)
    except ContainerFailed as error:
        raise ContainerFailed(f'Failed to open bucket "{name}": {error}') from error
    return Bucket(name, client, cluster)


def _client(
    uri: str, session: Session | None, environment: Mapping[str, str], cluster: Cluster
) -> Client:
    query = urlsplit(uri).query
    if query:
        return _of_query(query, environment)
    params = session.params if session else {"fromEnv": "true"}
    if params.get("fromEnv") == "true" and not _STRUCTURED & set(params):
        return _of_environment(environment)
    plain = params.get("disableSSL") == "true"
    endpoint = params.get("endpoint", "")
    if endpoint.removeprefix("https://").startswith("s3.amazonaws.com"):
        endpoint = ""
    if endpoint and not endpoint.startswith(("http://", "https://")):
        endpoint = f"{'http' if plain else 'https'}://{endpoint}"
    from_environment = _of_environment(environment)
    return Client(
        region=params.get("region") or from_environment.region,
        endpoint=endpoint or from_environment.endpoint,
        path_style=params.get("forcePathStyle", "true") == "true",
        credentials=from_environment.credentials
        if params.get("fromEnv") == "true"
        else _has_keys(params, cluster),
    )


def _of_query(query: str, environment: Mapping[str, str]) -> Client:
    options = {name: values[0] for name, values in parse_qs(query).items()}
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ContainerFailed(f'unknown query parameter "{unknown[0]}"')
    given = _of_environment(environment)
    return Client(
        region=options.get("region") or given.region,
        endpoint=options.get("endpoint") or given.endpoint,
        path_style=options.get("use_path_style") == "true",
        credentials=given.credentials or options.get("anonymous") == "true",
    )


def _of_environment(environment: Mapping[str, str]) -> Client:
    """The SDK's default configuration, which does not set path style."""
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    roles = {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
    there = {name for name, value in environment.items() if value}
    return Client(
        region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", ""),
        endpoint=environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL", ""),
        credentials=keys <= there or bool(roles & there),
    )


def _has_keys(params: Mapping[str, str], cluster: Cluster) -> bool:
    """getS3BucketCredential."""
    name = params["secretName"]
    if name not in cluster.secrets:
        raise ContainerFailed(f'failed to get Bucket credentials: secrets "{name}" not found')
    keys = {"access key": params["accessKeyKey"], "secret key": params["secretKeyKey"]}
    missing = [what for what, key in keys.items() if not cluster.secrets[name].get(key)]
    if missing:
        raise ContainerFailed(f"bucket credential secret has no value for: {', '.join(missing)}")
    return True


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_known(host: str, cluster: Cluster) -> bool:
    """Names of the cluster's DNS, with or without its own domain; AWS answers to any bucket's."""
    short = host.removesuffix(".svc.cluster.local").removesuffix(".svc")
    return _is_ip(host) or short in cluster.hosts or host.endswith(".amazonaws.com")
