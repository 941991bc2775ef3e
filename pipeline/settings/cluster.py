"""The settings of a run on Kubeflow Pipelines or Vertex AI; a local run reads none of them."""

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
"""Those of a run; each has a container of its own."""

COMPONENTS: tuple[str, ...] = get_args(Component)

TUNER = "Tuner"
"""The component that only the pipeline of a search has."""

_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|M|G|T)")
"""Kubernetes has no `K`."""
_CPU = re.compile(r"[0-9]+(\.[0-9]+)?|[0-9]+m")
_ROOT_EXAMPLE = "name a folder in a bucket, as gs://, s3:// or minio://bucket/folder"

_LEAST_CORES, _MOST_CORES = 0.001, 4096
_LEAST_GIGABYTES, _MOST_GIGABYTES = 0.001, 1e5
"""Kubernetes counts cores in thousandths; the largest machines have less than the most."""


def _cores(cpu: str) -> float:
    return float(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)


def _gigabytes(memory: str) -> float:
    number, unit = re.split("(?=[A-Z])", memory, maxsplit=1)
    base = 1024 if unit.endswith("i") else 1000
    return float(number) * base ** ("KMGT".index(unit[0]) + 1) / 1e9


class Toleration(StrictModel):
    """Kubernetes's own: lets a pod onto nodes with a taint."""

    key: TaintKey = ""
    operator: Literal["Equal", "Exists"] = Field("Exists", validate_default=True)
    value: LabelValue = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"

    @field_validator("operator")
    @classmethod
    def _goes_with_the_key(cls, operator: str, info: ValidationInfo) -> str:
        if operator == "Equal" and info.data.get("key") == "":
            raise ValueError("Equal compares the value of a key, and none is given")
        return operator

    @field_validator("value")
    @classmethod
    def _goes_with_the_operator(cls, value: str, info: ValidationInfo) -> str:
        if value and info.data.get("operator") == "Exists":
            raise ValueError("must be empty beside the operator Exists; write operator: Equal")
        return value


class GpuSettings(StrictModel):
    """GPUs for one component, whatever the target."""

    type: str = Field("NVIDIA_TESLA_T4", min_length=1)
    """As Vertex AI calls it, such as `NVIDIA_TESLA_T4`, `NVIDIA_L4` or `NVIDIA_A100_80GB`. On
    Kubeflow it stands for `resource`, and `node_selector` finds nodes that have it."""
    count: int = Field(1, ge=1, le=16)
    resource: DeviceResource = "nvidia.com/gpu"
    """Kubeflow: what the node's device plug-in calls one GPU."""
    node_selector: dict[LabelKey, LabelValue] = {}
    """Kubeflow: labels of the nodes, as in `cloud.google.com/gke-accelerator: nvidia-tesla-t4`."""
    tolerations: tuple[Toleration, ...] = (Toleration(key="nvidia.com/gpu"),)
    """Kubeflow: of the taints that keep other pods off GPU nodes."""


class Resources(StrictModel):
    """What one component's container asks for and may use at most."""

    cpu: str = "1"
    """Cores, such as `4` or `500m`."""
    memory: str = "4Gi"

    @field_validator("cpu", mode="before")
    @classmethod
    def _cpu_parses(cls, cpu: object) -> str:
        if not _CPU.fullmatch(str(cpu)):
            raise ValueError("is not a valid number of cores: write it as 4, 0.5 or 500m")
        if not _LEAST_CORES <= _cores(str(cpu)) <= _MOST_CORES:
            raise ValueError(f"must be 1m to {_MOST_CORES} cores")
        return str(cpu)

    @field_validator("memory", mode="before")
    @classmethod
    def _memory_parses(cls, memory: object) -> str:
        if not isinstance(memory, str) or not _MEMORY.fullmatch(memory):
            raise ValueError(
                "is not a valid amount of memory: write it with its unit, Mi, Gi, Ti, M, G or T, "
                "as in 4Gi"
            )
        if not _LEAST_GIGABYTES <= _gigabytes(memory) <= _MOST_GIGABYTES:
            raise ValueError("must be 1M to 100T")
        return memory

    @property
    def cores(self) -> float:
        """The CPU as a number."""
        return _cores(self.cpu)

    @property
    def gigabytes(self) -> float:
        """The memory in units of 1e9 bytes."""
        return _gigabytes(self.memory)


class SecretEnvironment(StrictModel):
    """Environment variables whose values are keys of a Kubernetes Secret."""

    secret: SecretName
    variables: dict[SecretKey, VariableName]
    """Key in the Secret to the variable's name."""


class SecretFile(StrictModel):
    """A Kubernetes Secret whose keys are files in the container, such as the key of persons."""

    secret: MountedSecretName
    folder: MountPath


def _opened_in_place(beginning: str) -> str:
    if not beginning.startswith("gs://") or "," in beginning:
        raise ValueError(f"{beginning}: TFX opens artifacts in place on gs:// alone")
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
    """The image of `kubeflow/Dockerfile`, by tag or digest."""
    gpu_image: Image = ""
    """The same for components with a GPU; by default `image`."""
    pipeline_root: str = ""
    """Where artifacts go: `gs://`, `s3://` or `minio://`, as the back end calls its store."""
    resources: dict[Literal[Component, "Tuner"], Resources] = {}
    """Component to what it gets, where that is not the default; the Tuner gets what the Trainer
    does."""
    max_retries: int = Field(2, ge=0, le=10)
    """Of each component, where another try may end better: not of settings, data or a model that
    are refused, nor of a fault of the program. What it published or wrote before is not doubled. On
    Kubeflow the container repeats itself, all tries within one `timeout_seconds`, and a lost pod
    is replaced; on Vertex AI the service repeats it."""
    timeout_seconds: int = Field(6 * 3600, ge=60, le=2**31 - 1)
    """Of each component's pod, all tries together, on Kubeflow; Kubernetes counts no further."""
    run_as_non_root: bool = False
    """State in each pod that it does not run as root, which a namespace that enforces Pod Security
    `restricted` asks for. From Kubeflow Pipelines 2.16 on: 2.15 refuses a pipeline that does."""
    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[SecretName, ...] = ()
    environment: dict[VariableName, str] = {}
    """Of each container. Nothing secret: the compiled pipeline holds it."""
    secret_environment: tuple[SecretEnvironment, ...] = ()
    """Kubeflow only; on Vertex AI the service account has the rights."""
    secret_files: tuple[SecretFile, ...] = ()
    """Kubeflow only."""
    in_place: tuple[Annotated[str, AfterValidator(_opened_in_place)], ...] = ()
    """Beginnings of URIs, `gs://` or `gs://bucket/folder`, of artifacts that components read and
    write where they lie, instead of on the container's disk."""

    @field_validator("environment")
    @classmethod
    def _holds_no_secret(cls, environment: dict[str, str]) -> dict[str, str]:
        for name, value in environment.items():
            if SECRET_OPTION.search(name) or names_a_secret(value):
                raise ValueError(
                    f"{name} must not be given here: the compiled pipeline holds it; "
                    "use cluster.secret_environment"
                )
            if "\0" in value:
                raise ValueError(f"{name} holds a null character, which no variable can")
        return environment

    @field_validator("secret_files")
    @classmethod
    def _each_is_mounted_once(cls, files: tuple[SecretFile, ...]) -> tuple[SecretFile, ...]:
        for given in ([each.secret for each in files], [each.folder for each in files]):
            if twice := sorted({each for each in given if given.count(each) > 1}):
                raise ValueError(f"{twice[0]} is given twice; a pod mounts each of them once")
        return files

    @field_validator("pipeline_root")
    @classmethod
    def _lies_in_a_store(cls, root: str) -> str:
        if root:
            require_no_secret(root, "stores read their credentials from the environment")
            address_forms.require_bucket(root, ("gs", "s3", "minio"), _ROOT_EXAMPLE)
            address_forms.require_literal(root)
        return root.rstrip("/")

    @property
    def images(self) -> str:
        """The references of all images, which decide the libraries that components run with."""
        return " ".join(filter(None, (self.image, self.gpu_image)))

    def resources_of(self, component: str) -> Resources:
        """What a component gets."""
        given = {str(name): resources for name, resources in self.resources.items()}
        if component == TUNER and TUNER not in given:
            component = "Trainer"
        return given[component] if component in given else DEFAULT_RESOURCES[component]
