"""How a root's store is reached: backend/src/v2/config/{env,s3,minio,gcs}.go."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import yaml

from .documents import Refused
from .namespace import STORE_HOST, STORE_SECRET
from .objects import parts

_FROM_ENVIRONMENT = {"fromEnv": "true"}
_OF_KUBEFLOW = {
    "region": "minio",
    "endpoint": f"{STORE_HOST}:9000",
    "disableSSL": "true",
    "fromEnv": "false",
    "maxRetries": "5",
    "secretName": STORE_SECRET,
    "accessKeyKey": "accesskey",
    "secretKeyKey": "secretkey",
}


@dataclasses.dataclass(frozen=True)
class Session:
    """SessionInfo of backend/src/v2/objectstore/config.go."""

    provider: str
    params: Mapping[str, str]

    def as_json(self) -> str:
        """As Go writes it."""
        params = dict(sorted(self.params.items()))
        content = {"Provider": self.provider, "Params": params}
        return json.dumps(content, separators=(",", ":"))


def imported_session(uri: str) -> Session:
    """Of an artifact that was imported: always the environment's."""
    return Session(parts(uri)[0], _FROM_ENVIRONMENT)


def session_of(root: str, launcher_config: Mapping[str, str]) -> Session:
    """GetStoreSessionInfo.

    Args:
        root: of the run, with its query.
        launcher_config: data of the ConfigMap `kfp-launcher`.

    Raises:
        Refused: the root or its providers cannot be used.
    """
    scheme, bucket, key = parts(root)
    providers = yaml.safe_load(launcher_config.get("providers", "")) or {}
    provider = providers.get(scheme) or {}
    if scheme == "gs":
        return Session(scheme, _gcs_params(provider))
    without_entry = not provider.get("default") and not provider.get("overrides")
    if "?" in root:
        return Session(scheme, _FROM_ENVIRONMENT)
    if without_entry:
        return Session(scheme, _OF_KUBEFLOW if scheme == "minio" else _FROM_ENVIRONMENT)
    return Session(scheme, _s3_params(provider, bucket, f"{key.strip('/')}/"))


def _s3_params(provider: dict[str, Any], bucket: str, prefix: str) -> dict[str, str]:
    default = provider.get("default") or {}
    if not default.get("credentials"):
        raise Refused("invalid provider config: missing default credentials")
    params = {
        "endpoint": default.get("endpoint", ""),
        "region": default.get("region", ""),
        "disableSSL": _text(default.get("disableSSL", False)),
        "forcePathStyle": _text(default.get("forcePathStyle", True)),
        "maxRetries": str(default.get("maxRetries", 5)),
        **_credentials(default["credentials"], "default"),
    }
    for override in provider.get("overrides") or ():
        if override.get("bucketName") == bucket and prefix.startswith(
            override.get("keyPrefix") or ""
        ):
            return _overridden(params, override)
    return params


def _overridden(params: dict[str, str], override: dict[str, Any]) -> dict[str, str]:
    """The first that matches; the credentials are its own."""
    if not override.get("credentials"):
        raise Refused("invalid provider config: missing override credentials")
    kept = {name: params[name] for name in ("endpoint", "region", "maxRetries")}
    for name in ("endpoint", "region"):
        kept[name] = override.get(name) or kept[name]
    for name in ("disableSSL", "forcePathStyle"):
        kept[name] = _text(override[name]) if name in override else params[name]
    return {**kept, **_credentials(override["credentials"], "override")}


def _credentials(credentials: dict[str, Any], whose: str) -> dict[str, str]:
    if credentials.get("fromEnv"):
        return {"fromEnv": "true"}
    secret = credentials.get("secretRef")
    if not secret:
        raise Refused(f"invalid provider config: missing {whose} secretref")
    names = {"secretName", "accessKeyKey", "secretKeyKey"}
    return {"fromEnv": "false", **{name: secret.get(name, "") for name in names}}


def _gcs_params(provider: dict[str, Any]) -> dict[str, str]:
    credentials = (provider.get("default") or {}).get("credentials") or {}
    secret = credentials.get("secretRef")
    if not secret or credentials.get("fromEnv"):
        return dict(_FROM_ENVIRONMENT)
    names = ("secretName", "tokenKey")
    return {"fromEnv": "false", **{name: secret.get(name, "") for name in names}}


def _text(value: object) -> str:
    return str(bool(value)).lower()
