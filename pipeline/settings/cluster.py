"""The settings of a run on Kubeflow Pipelines or Vertex AI; a local run does not read them."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from customer_age.redaction import SECRET_OPTION, names_a_secret, require_no_secret
from customer_age.schema.strict_model import StrictModel

from . import address_forms
from .kubernetes_names import (
    DeviceResource,
    Image,
    LabelKey,
    LabelValue,
    MountedSecretName,
    MountPath,
    SecretKey,
    SecretName,
    TaintKey,
    VariableName,
)

Component = Literal[
    "PhotoSchema", "PhotoExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Champion",
    "Trainer", "Evaluator", "Canary", "RegistryPusher", "RunReport",
]  # fmt: skip
"""The components of a run; each one has its own container."""

COMPONENTS: tuple[str, ...] = get_args(Component)

TUNER = "Tuner"
"""The component that only the tuning pipeline has."""

_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|M|G|T)")
"""Without `K`, which Kubernetes does not have."""
_CPU = re.compile(r"[0-9]+(\.[0-9]+)?|[0-9]+m")
_ROOT_EXAMPLE = "write a folder in a bucket: gs://, s3:// or minio://bucket/folder"

_LEAST_CORES, _MOST_CORES = 0.001, 4096
_LEAST_GIGABYTES, _MOST_GIGABYTES = 0.001, 1e5
"""Kubernetes counts thousandths of a core; the largest machines are below the upper limits."""


def _cores(cpu: str) -> float:
    return float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)


def _gigabytes(memory: str) -> float:
    number, unit = re.split("(?=[A-Z])", memory, maxsplit=1)
    base = 1024 if unit.endswith("i") else 1000
    return float(number) * base ** ("KMGT".index(unit[0]) + 1) / 1e9


class Toleration(StrictModel):
    """A Kubernetes toleration: it allows a pod on nodes with a taint."""

    key: TaintKey = ""
    operator: Literal["Equal", "Exists"] = Field("Exists", validate_default=True)
    value: LabelValue = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"

    @field_validator("operator")
    @classmethod
    def _goes_with_the_key(cls, operator: str, info: ValidationInfo) -> str:
        if operator == "Equal" and info.data.get("key") == "":
            raise ValueError("Equal compares the value of a key, but no key is set")
        return operator

    @field_validator("value")
    @classmethod
    def _goes_with_the_operator(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("operator") == "Exists":
            raise ValueError("must be empty with the operator Exists; write operator: Equal")
        return value


class GpuSettings(StrictModel):
    """GPUs for one component, on any target."""

    type: str = Field("NVIDIA_TESLA_T4", min_length=1)
    """The accelerator type of Vertex AI, for example `NVIDIA_TESLA_T4`, `NVIDIA_L4` or
    `NVIDIA_A100_80GB`. Kubeflow uses `resource`, and `node_selector` selects the nodes."""
    count: int = Field(1, ge=1, le=16)
    resource: DeviceResource = "nvidia.com/gpu"
    """Kubeflow: the resource name of one GPU in the node's device plug-in."""
    node_selector: dict[LabelKey, LabelValue] = {}
    """Kubeflow: node labels, for example `cloud.google.com/gke-accelerator: nvidia-tesla-t4`."""
    tolerations: tuple[Toleration, ...] = (Toleration(key="nvidia.com/gpu"),)
    """Kubeflow: tolerations of the taints that keep other pods off GPU nodes."""


class Resources(StrictModel):
    """The resource request and limit of one component's container."""

    cpu: str = "1"
    """Cores, for example `4` or `500m`."""
    memory: str = "4Gi"

    @field_validator("cpu", mode="before")
    @classmethod
    def _cpu_parses(cls, cpu: object) -> str:
        if not _CPU.fullmatch(str(cpu)):
            raise ValueError("is not a valid number of cores: write it like 4, 0.5 or 500m")
        if not _LEAST_CORES <= _cores(str(cpu)) <= _MOST_CORES:
            raise ValueError(f"must be 1m to {_MOST_CORES} cores")
        return str(cpu)

    @field_validator("memory", mode="before")
    @classmethod
    def _memory_parses(cls, memory: object) -> str:
        if not isinstance(memory, str) or not _MEMORY.fullmatch(memory):
            raise ValueError(
                "is not a valid amount of memory: write it with its unit (Mi, Gi, Ti, M, G or T), "
                "like 4Gi"
            )
        if not _LEAST_GIGABYTES <= _gigabytes(memory) <= _MOST_GIGABYTES:
            raise ValueError("must be 1M to 100T")
        return memory

    @property
    def cores(self) -> float:
        """The number of cores."""
        return _cores(self.cpu)

    @property
    def gigabytes(self) -> float:
        """The memory in units of 1e9 bytes."""
        return _gigabytes(self.memory)


class SecretEnvironment(StrictModel):
    """Environment variables whose values are keys of a Kubernetes Secret."""

    secret: SecretName
    variables: dict[SecretKey, VariableName]
    """Key in the Secret to the name of the variable."""


class SecretFile(StrictModel):
    """A Kubernetes Secret, mounted as files in the container, such as the person key."""

    secret: MountedSecretName
    folder: MountPath


def _opened_in_place(beginning: str) -> str:
    if not beginning.startswith("gs://") or "," in beginning:
        raise ValueError(f"{beginning}: TFX opens artifacts in place only on gs://")
    if beginning != "gs://":
        address_forms.require_bucket(beginning, ("gs",), "write gs:// or gs://bucket/folder")
        address_forms.require_literal(beginning)
    return beginning


_LARGE = Resources(cpu="4", memory="16Gi")
_MEDIUM = Resources(cpu="2", memory="8Gi")

DEFAULT_RESOURCES = {
    **dict.fromkeys(COMPONENTS, Resources()),
    "PhotoExampleGen": _LARGE,
    "StatisticsGen": _MEDIUM,
    "Trainer": _LARGE,
    "Evaluator": _LARGE,
    "Canary": _MEDIUM,
}


class ClusterSettings(StrictModel):
    """How the components run in containers."""

    image: Image = ""
    """The image built from `kubeflow/Dockerfile`, by tag or digest."""
    gpu_image: Image = ""
    """The image for components with a GPU; by default `image`."""
    pipeline_root: str = ""
    """Folder for artifacts: `gs://`, `s3://` or `minio://`, as the back end names its store."""
    resources: dict[Literal[Component, "Tuner"], Resources] = {}
    """Component to its resources, if they differ from the default; the Tuner's default is that of
    the Trainer."""
    max_retries: int = Field(2, ge=0, le=10)
    """Retries of each component after an error that may be temporary: not after refused settings,
    data or models, or a programming error. A retry does not publish or write anything twice. On
    Kubeflow the container retries by itself, within one `timeout_seconds`, and a lost pod is
    replaced; on Vertex AI the service retries."""
    timeout_seconds: int = Field(6 * 3600, ge=60, le=2**31 - 1)
    """Kubeflow: time limit of each component's pod, all retries included. The maximum is that of
    Kubernetes."""
    run_as_non_root: bool = False
    """Set `runAsNonRoot` in each pod, which a namespace that enforces the Pod Security level
    `restricted` requires. Needs Kubeflow Pipelines 2.16; 2.15 refuses such a pipeline."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[SecretName, ...] = ()
    environment: dict[VariableName, str] = {}
    """Environment variables of each container. No secrets: the compiled pipeline contains them."""
    secret_environment: tuple[SecretEnvironment, ...] = ()
    """Kubeflow only; on Vertex AI the service account has the permissions."""
    secret_files: tuple[SecretFile, ...] = ()
    """Kubeflow only."""
    in_place: tuple[Annotated[str, AfterValidator(_opened_in_place)], ...] = ()
    """URI prefixes, `gs://` or `gs://bucket/folder`, of artifacts that components read and write
    directly in the bucket instead of on the container's disk."""

    @field_validator("environment")
    @classmethod
    def _holds_no_secret(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if SECRET_OPTION.search(name) or names_a_secret(value):
                raise ValueError(
                    f"{name} must not be set here: the compiled pipeline would contain it; "
                    "use cluster.secret_environment"
                )
            if "\0" in value:
                raise ValueError(f"{name} must not contain a null character")
        return environment

    @field_validator("secret_files")
    @classmethod
    def _each_is_mounted_once(cls, files: tuple[SecretFile, ...]) -> tuple[SecretFile, ...]:
        for names in ([each.secret for each in files], [each.folder for each in files]):
            if twice := sorted({each for each in names if names.count(each) > 1}):
                raise ValueError(f"{twice[0]} is listed twice; a pod can mount it only once")
        return files

    @field_validator("pipeline_root")
    @classmethod
    def _is_in_a_store(cls, root: str) -> str:
        if root:
            require_no_secret(root, "stores read their credentials from the environment")
            address_forms.require_bucket(root, ("gs", "s3", "minio"), _ROOT_EXAMPLE)
            address_forms.require_literal(root)
        return root.rstrip("/")

    @property
    def images(self) -> str:
        """The references of all images: they determine the libraries of the components."""
        return " ".join(filter(None, (self.image, self.gpu_image)))

    def resources_of(self, component: str) -> Resources:
        """Return the resources of a component."""
        changed = {str(name): resources for name, resources in self.resources.items()}
        if component == TUNER and TUNER not in changed:
            component = "Trainer"
        return changed[component] if component in changed else DEFAULT_RESOURCES[component]
