"""The names, labels and images that Kubernetes accepts; it refuses others only when a pod starts.

The rules are those of its API server (`validation` in k8s.io/apimachinery and k8s.io/api) and of
container image references. `messages` puts the value before `is not a valid ...`.
"""

import re
from collections.abc import Callable
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
    """Return whether this is a DNS label, like the names of namespaces and volumes."""
    return len(name) <= _LONGEST_LABEL and re.fullmatch(_LABEL, name) is not None


def is_subdomain(name: str) -> bool:
    """Return whether this is a DNS subdomain, like the names of Secrets and service accounts."""
    return len(name) <= _LONGEST_SUBDOMAIN and re.fullmatch(_SUBDOMAIN, name) is not None


def _is_label_key(key: str) -> bool:
    """Return whether this is a label or taint key, such as `cloud.google.com/accelerator`."""
    prefix, slash, name = key.rpartition("/")
    return _is_word(name) and (is_subdomain(prefix) if slash else True)


def _is_word(text: str) -> bool:
    return len(text) <= _LONGEST_LABEL and re.fullmatch(_WORD, text) is not None


def validator(fits: Callable[[str], object], what: str, rule: str) -> AfterValidator:
    """Return a validator for a text.

    Args:
        fits: returns whether the text is valid.
        what: what the text is, for the message.
        rule: what to write, for the message; `messages` puts the text in front.
    """

    def check(value: str) -> str:
        if not fits(value):
            raise ValueError(f"is not a valid {what}: write {rule}")
        return value

    return AfterValidator(check)


def _is_secret_key(key: str) -> bool:
    return bool(re.fullmatch(r"[-._A-Za-z0-9]{1,253}", key)) and key != "." and key[:2] != ".."


def _is_mount_path(folder: str) -> bool:
    whole = folder.startswith("/") and folder.strip("/") and folder.isprintable()
    return bool(whole) and ":" not in folder and ".." not in folder.split("/")


def _is_device(resource: str) -> bool:
    domain, _, name = resource.partition("/")
    reserved = f".{domain}".endswith(".kubernetes.io")
    return "." in domain and is_subdomain(domain) and _is_word(name) and not reserved


def _is_image(reference: str) -> bool:
    found = re.fullmatch(_IMAGE, reference)
    return found is not None and len(found["path"]) <= _LONGEST_IMAGE_PATH


LABEL_RULE = "1 to 63 of a-z, 0-9 and -, with a letter or digit first and last"
SUBDOMAIN_RULE = "1 to 253 of a-z, 0-9, - and ., with a letter or digit at each end and next to ."
WORD_RULE = "at most 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit first and last"

SecretName = Annotated[str, validator(is_subdomain, "Secret name", SUBDOMAIN_RULE)]
MountedSecretName = Annotated[
    str,
    # Kubeflow Pipelines names the volume after the Secret, and a volume's name is a label.
    validator(is_label, "name of a Secret that Kubeflow Pipelines mounts", LABEL_RULE),
]
SecretKey = Annotated[
    str,
    validator(_is_secret_key, "Secret key", "at most 253 of A-Z, a-z, 0-9, -, _ and ."),
]
VariableName = Annotated[
    str,
    validator(
        re.compile(r"[A-Za-z_][-._A-Za-z0-9]*").fullmatch,
        "environment variable name",
        "A-Z, a-z, 0-9, _, - and ., with a letter or _ first",
    ),
]
_KEY_RULE = f"a name of {WORD_RULE}, with or without domain/ in front"
LabelKey = Annotated[str, validator(_is_label_key, "label key", _KEY_RULE)]
TaintKey = Annotated[
    str, validator(lambda key: not key or _is_label_key(key), "label key", _KEY_RULE)
]
"""The key of a taint; empty for any key."""
LabelValue = Annotated[
    str, validator(lambda value: not value or _is_word(value), "label value", WORD_RULE)
]
MountPath = Annotated[
    str,
    validator(
        _is_mount_path,
        "mount path of a Secret",
        "an absolute path without : and .., like /secrets/person-key",
    ),
]
DeviceResource = Annotated[
    str,
    validator(
        _is_device,
        "resource name of a device plug-in",
        f"it like nvidia.com/gpu: the vendor's domain, and a name of {WORD_RULE}",
    ),
]
Image = Annotated[
    str,
    validator(
        lambda reference: not reference or _is_image(reference),
        "image",
        "host:port/name:tag or host/name@sha256:DIGEST, with the name in lower case",
    ),
]
"""An image reference; empty if there is no image."""
