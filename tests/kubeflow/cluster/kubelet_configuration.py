"""What a pod takes from Secrets and ConfigMaps: environment and files."""

import base64
from pathlib import Path

from kubernetes import client
from kubernetes.client.exceptions import ApiException


class NotConfigured(Exception):
    """A Secret or ConfigMap, or a key of it, is missing: the kubelet's own words."""


class Configuration:
    """The configuration of one pod.

    Args:
        api: Of the server.
        pod: Whose containers ask.
        root: Folder that is used as `/`.
    """

    def __init__(self, api: client.CoreV1Api, pod: client.V1Pod, root: Path):
        self._api = api
        self._pod = pod
        self._root = root

    def mount(self) -> None:
        """Write the files of the volumes that are Secrets.

        Raises:
            NotConfigured: One is missing, and not optional.
        """
        for volume in self._pod.spec.volumes or []:
            if volume.secret is None:
                continue
            try:
                data = self._secret(volume.secret.secret_name)
            except NotConfigured:
                if volume.secret.optional:
                    continue
                raise
            for container in self._pod.spec.containers:
                for mounted in container.volume_mounts or []:
                    if mounted.name == volume.name:
                        self._write(mounted.mount_path, data)

    def environment(self, container: client.V1Container) -> dict[str, str]:
        """Return the environment variables of a container.

        Raises:
            NotConfigured: A Secret or ConfigMap, or a key of it, is missing, and not optional.
        """
        found: dict[str, str] = {}
        for source in container.env_from or []:
            assert source.config_map_ref is not None and source.config_map_ref.optional
        for variable in container.env or []:
            value = self._value(variable)
            if value is not None:
                found[variable.name] = value
        return found

    def _value(self, variable: client.V1EnvVar) -> str | None:
        source = variable.value_from
        if source is None:
            return variable.value or ""
        if source.field_ref is not None:
            fields = {
                "metadata.name": "name",
                "metadata.uid": "uid",
                "metadata.namespace": "namespace",
            }
            return str(getattr(self._pod.metadata, fields[source.field_ref.field_path]))
        key_ref = source.secret_key_ref
        assert key_ref is not None, f"this kubelet knows no such source: {source}"
        try:
            data = self._secret(key_ref.name)
            if key_ref.key not in data:
                raise NotConfigured(f"couldn't find key {key_ref.key} in Secret {key_ref.name}")
        except NotConfigured:
            if key_ref.optional:
                return None
            raise
        return data[key_ref.key].decode()

    def _secret(self, name: str) -> dict[str, bytes]:
        try:
            secret = self._api.read_namespaced_secret(name, self._pod.metadata.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
            raise NotConfigured(f'secret "{name}" not found') from error
        return {key: base64.b64decode(value) for key, value in (secret.data or {}).items()}

    def _write(self, mount_path: str, data: dict[str, bytes]) -> None:
        folder = self._root / mount_path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in data.items():
            (folder / key).write_bytes(value)
