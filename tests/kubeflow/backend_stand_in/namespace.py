"""The namespace of a run: a Kubeflow profile, your own, or with the objects of manifests.

Which repository Argo's controller takes for logs: workflow/artifactrepositories of
argoproj/argo-workflows.
"""

import base64
import dataclasses
from collections.abc import Iterable
from typing import Any

import yaml

from .launcher import ContainerFailed
from .pods import Cluster

STORE_SECRET = "mlpipeline-minio-artifact"
"""The Secret of Kubeflow's own store, which only a profile provides."""
STORE_HOST = "seaweedfs.kubeflow"
_REPOSITORIES = "artifact-repositories"
_DEFAULT_KEY = "workflows.argoproj.io/default-artifact-repository"


def own_namespace(**given: Any) -> Cluster:
    """One that somebody made, beside Kubeflow: what is `given`, and Kubeflow's store."""
    hosts = frozenset({STORE_HOST, *given.pop("hosts", ())})
    return Cluster(hosts=hosts, **given)


def profile_namespace(**given: Any) -> Cluster:
    """One that Kubeflow's profile controller made: it has the store's Secret."""
    keys = {"accesskey": "a user of this profile", "secretkey": "and its password"}
    return own_namespace(secrets={STORE_SECRET: keys, **given.pop("secrets", {})}, **given)


def with_objects(cluster: Cluster, objects: Iterable[dict[str, Any]]) -> Cluster:
    """Apply manifests: their Secrets and ConfigMaps count, in any namespace."""
    secrets = dict(cluster.secrets)
    config_maps = dict(cluster.config_maps)
    annotations = dict(cluster.annotations)
    for one in objects:
        name = one["metadata"]["name"]
        if one["kind"] == "Secret":
            data = one.get("data") or {}
            decoded = {key: base64.b64decode(value).decode() for key, value in data.items()}
            secrets[name] = {**decoded, **(one.get("stringData") or {})}
        elif one["kind"] == "ConfigMap":
            config_maps[name] = dict(one.get("data") or {})
            annotations[name] = dict(one["metadata"].get("annotations") or {})
    return dataclasses.replace(
        cluster, secrets=secrets, config_maps=config_maps, annotations=annotations
    )


def check_log_archive(cluster: Cluster) -> None:
    """Mount what Argo's executor needs to keep a pod's log: in every pod, not optional.

    Raises:
        ContainerFailed: the Secret is not there, so that no pod starts.
    """
    if _archives_logs(cluster) and STORE_SECRET not in cluster.secrets:
        raise ContainerFailed(
            f'MountVolume.SetUp failed for volume "{STORE_SECRET}": secret "{STORE_SECRET}" not '
            "found"
        )


def _archives_logs(cluster: Cluster) -> bool:
    """The namespace's own repository, where there is one under the key that is annotated."""
    key = cluster.annotations.get(_REPOSITORIES, {}).get(_DEFAULT_KEY, "")
    repository = cluster.config_maps.get(_REPOSITORIES, {}).get(key)
    if repository is None:
        return cluster.archive_logs
    return bool((yaml.safe_load(repository) or {}).get("archiveLogs", False))
