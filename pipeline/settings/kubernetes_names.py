"""What Kubernetes takes as names, labels and images; it refuses others when a pod is to start.

The rules are those of its API server (`validation` in k8s.io/apimachinery and k8s.io/api) and of
the container registries' references. `messages` puts the value before `is not a valid ...`.
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


def judged(fits: Callable[[str], object], what: str, rule: str) -> AfterValidator:
    """Make a validator of a text.

    Args:
        fits: whether the text is taken.
        what: such a text is.
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
    kept_by_kubernetes = f".{domain}".endswith(".kubernetes.io")
    return "." in domain and is_subdomain(domain) and _is_word(name) and not kept_by_kubernetes


def _is_image(reference: str) -> bool:
    found = re.fullmatch(_IMAGE, reference)
    return found is not None and len(found["path"]) <= _LONGEST_IMAGE_PATH


LABEL_RULE = "1 to 63 of a-z, 0-9 and -, with a letter or digit first and last"
SUBDOMAIN_RULE = "1 to 253 of a-z, 0-9, - and ., with a letter or digit beside each . and end"
WORD_RULE = "at most 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit first and last"

SecretName = Annotated[str, judged(is_subdomain, "name of a Secret", SUBDOMAIN_RULE)]
MountedSecretName = Annotated[
    str,
    # It names the volume after the Secret, and a volume's name is a label.
    judged(is_label, "name of a Secret that Kubeflow Pipelines mounts", LABEL_RULE),
]
SecretKey = Annotated[
    str,
    judged(_is_secret_key, "key of a Secret", "at most 253 of A-Z, a-z, 0-9, -, _ and ."),
]
VariableName = Annotated[
    str,
    judged(
        re.compile(r"[A-Za-z_][-._A-Za-z0-9]*").fullmatch,
        "name of an environment variable",
        "A-Z, a-z, 0-9, _, - and ., with a letter or _ first",
    ),
]
_KEY_RULE = f"a name of {WORD_RULE}, behind domain/ or not"
LabelKey = Annotated[str, judged(_is_label_key, "key of a label", _KEY_RULE)]
TaintKey = Annotated[
    str, judged(lambda key: not key or _is_label_key(key), "key of a label", _KEY_RULE)
]
"""Or empty, for any."""
LabelValue = Annotated[
    str, judged(lambda value: not value or _is_word(value), "value of a label", WORD_RULE)
]
MountPath = Annotated[
    str,
    judged(
        _is_mount_path,
        "folder to mount a Secret at",
        "a whole path without : and .., as /secrets/person-key",
    ),
]
DeviceResource = Annotated[
    str,
    judged(
        _is_device,
        "resource of a device plug-in",
        f"it as nvidia.com/gpu, the vendor's domain and a name of {WORD_RULE}",
    ),
]
Image = Annotated[
    str,
    judged(
        lambda reference: not reference or _is_image(reference),
        "image",
        "host:port/name:tag or host/name@sha256:DIGEST, with the name in small letters",
    ),
]
"""Or empty, where there is none."""
