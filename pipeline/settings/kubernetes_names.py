"""What Kubernetes takes as names, labels and images; it refuses others when a pod is to start.

The rules are those of its API server (`validation` in k8s.io/apimachinery and k8s.io/api) and of
the container registries' references. `messages` puts the value before `is not a valid ...`.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_WORD = r"[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?"
_HOST = r"[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\]"
_IMAGE_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = (
    rf"(?:(?:{_HOST})(?::[0-9]+)?/)?(?P<path>{_IMAGE_PART}(?:/{_IMAGE_PART})*)"
    r"(?::[A-Za-z0-9_][-.A-Za-z0-9_]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)

_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253
_LONGEST_IMAGE_PATH = 255


def is_label(name: str) -> bool:
    """Whether this is a DNS label, as the names of namespaces and volumes are."""
    return len(name) <= _LONGEST_LABEL and re.fullmatch(_LABEL, name) is not None


def is_subdomain(name: str) -> bool:
    """Whether this is a DNS subdomain, as the names of Secrets and service accounts are."""
    return len(name) <= _LONGEST_SUBDOMAIN and re.fullmatch(_SUBDOMAIN, name) is not None


def _is_label_key(key: str) -> bool:
    """Whether this is the key of a label or a taint, such as `cloud.google.com/accelerator`."""
    prefix, slash, name = key.rpartition("/")
    return _is_word(name) and (is_subdomain(prefix) if slash else True)


def _is_word(text: str) -> bool:
    return len(text) <= _LONGEST_LABEL and re.fullmatch(_WORD, text) is not None


def _secret(name: str) -> str:
    if not is_subdomain(name):
        raise ValueError(f"is not a valid name of a Secret: write {SUBDOMAIN_RULE}")
    return name


def _mounted_secret(name: str) -> str:
    """Kubeflow Pipelines names the volume after the Secret, and a volume's name is a label."""
    if not is_label(name):
        raise ValueError(
            f"is not a valid name of a Secret that Kubeflow Pipelines mounts: write {LABEL_RULE}"
        )
    return name


def _secret_key(key: str) -> str:
    usable = re.fullmatch(r"[-._A-Za-z0-9]{1,253}", key) and key != "." and key[:2] != ".."
    if not usable:
        raise ValueError(
            "is not a valid key of a Secret: write at most 253 of A-Z, a-z, 0-9, -, _ and ."
        )
    return key


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][-._A-Za-z0-9]*", name):
        raise ValueError(
            "is not a valid name of an environment variable: write A-Z, a-z, 0-9, _, - and ., with "
            "a letter or _ first"
        )
    return name


def _label_key(key: str) -> str:
    if not _is_label_key(key):
        raise ValueError(
            f"is not a valid key of a label: write a name of {WORD_RULE}, behind domain/ or not"
        )
    return key


def _taint_key(key: str) -> str:
    return key and _label_key(key)


def _label_value(value: str) -> str:
    if value and not _is_word(value):
        raise ValueError(f"is not a valid value of a label: write {WORD_RULE}")
    return value


def _mount_path(folder: str) -> str:
    whole = folder.startswith("/") and folder.strip("/") and folder.isprintable()
    if not whole or ":" in folder or ".." in folder.split("/"):
        raise ValueError(
            "is not a valid folder to mount a Secret at: write a whole path without : and .., as "
            "/secrets/person-key"
        )
    return folder


def _device(resource: str) -> str:
    domain, _, name = resource.partition("/")
    kept_by_kubernetes = f".{domain}".endswith(".kubernetes.io")
    if "." not in domain or not is_subdomain(domain) or not _is_word(name) or kept_by_kubernetes:
        raise ValueError(
            "is not a valid resource of a device plug-in: write it as nvidia.com/gpu, the vendor's "
            f"domain and a name of {WORD_RULE}"
        )
    return resource


def _image(reference: str) -> str:
    found = re.fullmatch(_IMAGE, reference)
    if reference and (not found or len(found["path"]) > _LONGEST_IMAGE_PATH):
        raise ValueError(
            "is not a valid image: write host:port/name:tag or host/name@sha256:DIGEST, with the "
            "name in small letters"
        )
    return reference


LABEL_RULE = "1 to 63 of a-z, 0-9 and -, with a letter or digit first and last"
SUBDOMAIN_RULE = "1 to 253 of a-z, 0-9, - and ., with a letter or digit beside each . and end"
WORD_RULE = "at most 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit first and last"

SecretName = Annotated[str, AfterValidator(_secret)]
MountedSecretName = Annotated[str, AfterValidator(_mounted_secret)]
SecretKey = Annotated[str, AfterValidator(_secret_key)]
VariableName = Annotated[str, AfterValidator(_variable)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
TaintKey = Annotated[str, AfterValidator(_taint_key)]
"""Or empty, for any."""
LabelValue = Annotated[str, AfterValidator(_label_value)]
MountPath = Annotated[str, AfterValidator(_mount_path)]
DeviceResource = Annotated[str, AfterValidator(_device)]
Image = Annotated[str, AfterValidator(_image)]
"""Or empty, where there is none."""
