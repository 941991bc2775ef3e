"""The environment of a pod in the cluster: backend/src/v2/driver/k8s.go.

The placement of a pod (node selectors, tolerations, accelerators) is not simulated; it is only
checked that a real API server could read it.
"""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from .documents import Refused
from .launcher import ContainerFailed
from .template import Task


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A namespace, and what its pods can use.

    Attributes:
        secrets: name to keys.
        config_maps: name to data.
        annotations: name of a config map to its annotations.
        image_environment: environment variables that the image has.
        hosts: names in the cluster's DNS, without ports; AWS's names are always known.
        archive_logs: setting of the workflow controller's own configuration.
        python: the program that is `python` in the image.
    """

    secrets: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    annotations: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    image_environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    archive_logs: bool = True
    python: str = sys.executable

    def environment(self, task: Task, pod: str) -> dict[str, str]:
        """The environment variables of a pod.

        Raises:
            ContainerFailed: a secret or config map is missing (CreateContainerConfigError).
            Refused: a setting that Kubernetes cannot read, or this stand-in does not support.
        """
        config = task.kubernetes
        if config.secret_as_volume or config.config_map_as_volume or config.pvc_mount:
            raise Refused(f"{task.name}: this stand-in mounts no volumes")
        if config.image_pull_policy not in ("", "Always", "IfNotPresent", "Never"):
            raise Refused(f"{task.name}: unsupported image pull policy {config.image_pull_policy}")
        found = {**self.image_environment, "KFP_POD_NAME": pod, "KFP_POD_UID": pod}
        for kind, known, sources in (
            ("secret", self.secrets, config.secret_as_env),
            ("configmap", self.config_maps, config.config_map_as_env),
        ):
            for source in sources:
                name = _name(source, kind)
                if name not in known:
                    raise ContainerFailed(
                        f'CreateContainerConfigError: {kind} "{name}" not found ({task.name})'
                    )
                for pair in source.key_to_env:
                    key = pair.secret_key if kind == "secret" else pair.config_map_key
                    if key not in known[name]:
                        raise ContainerFailed(
                            f"CreateContainerConfigError: couldn't find key {key} in {kind} "
                            f"{name} ({task.name})"
                        )
                    found[pair.env_var] = known[name][key]
        return found


def check_resources(task: Task) -> None:
    """getPodResource of driver/driver.go: each is a quantity that Kubernetes can parse."""
    resources = task.executor.container.resources
    for field, value in resources.ListFields():
        if not field.name.startswith("resource_"):
            continue
        try:
            parse_quantity(value)
        except ValueError as error:
            raise Refused(f"{task.name}: {field.name}: {error}") from error
    accelerator = resources.accelerator
    kind = accelerator.resource_type or accelerator.type
    if kind and "/" not in kind:
        raise Refused(f"{task.name}: {kind} is no resource of a node, as nvidia.com/gpu is")


def _name(source: Any, kind: str) -> str:
    """The name of a secret or config map, from the old field or from the new one."""
    field = "secret_name" if kind == "secret" else "config_map_name"
    if source.HasField(f"{field}_parameter"):
        parameter = getattr(source, f"{field}_parameter")
        if parameter.WhichOneof("kind") != "runtime_value":
            raise Refused(f"{kind}: this stand-in takes no run parameter for a name")
        name = parameter.runtime_value.constant.string_value
    else:
        name = getattr(source, field)
    if not name:
        raise Refused(f"missing the name of a {kind} in executor config")
    return str(name)
