"""The container of each component: image, resources, GPUs, environment, options."""

from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from customer_age.components import beam_runners
from customer_age.pipeline.settings.cluster import GpuSettings, Resources
from customer_age.pipeline.settings.settings import Settings

from . import gpus
from .target_support import Target

ON_BEAM = ("PhotoExampleGen", "StatisticsGen", "Evaluator")

_OWN_ARGUMENTS = 6
"""TFX's own arguments come first, three names, each with its value; Beam's options follow."""


def complete(
    spec: pipeline_spec_pb2.PipelineSpec,
    settings: Settings,
    target: Target,
) -> None:
    """Complete the containers of a compiled pipeline.

    Args:
        spec: is changed in place.
        settings: of the pipeline.
        target: decides how GPUs are named.
    """
    gpu_of = gpus.of_components(settings)
    config = json_format.ParseDict(
        json_format.MessageToDict(spec.deployment_spec),
        pipeline_spec_pb2.PipelineDeploymentConfig(),
    )
    for name, component in spec.components.items():
        executor = config.executors[component.executor_label]
        if not executor.HasField("container"):
            continue
        container, gpu = executor.container, gpu_of.get(name)
        if gpu is not None:
            container.image = settings.cluster.gpu_image or settings.cluster.image
            _set_gpus(container, gpu, target)
        _set_environment(container, settings)
        resources = settings.cluster.resources_of(name)
        _set_resources(container, resources)
        del container.args[_OWN_ARGUMENTS:]
        if name in ON_BEAM:
            workers = settings.beam.workers or max(1, int(resources.cores))
            container.args.extend(
                beam_runners.options(workers, settings.beam.args, settings.cluster.image)
            )
        if settings.cluster.in_place:
            option = f"--in_place={','.join(settings.cluster.in_place)}"
            container.args.insert(_OWN_ARGUMENTS, option)
        if target == "kubeflow" and settings.cluster.max_retries:
            option = f"--max_retries={settings.cluster.max_retries}"
            container.args.insert(_OWN_ARGUMENTS, option)
    spec.deployment_spec.Clear()
    spec.deployment_spec.update(json_format.MessageToDict(config))


def _set_resources(container: Any, resources: Resources) -> None:
    """Set resources as texts, for newer back ends, and as numbers (cores, 1e9 bytes), for others.

    Requests and limits are equal: a component that is killed after hours because its node has no
    more memory costs more than reserved memory.
    """
    limits = container.resources
    limits.resource_cpu_request = limits.resource_cpu_limit = resources.cpu
    limits.resource_memory_request = limits.resource_memory_limit = resources.memory
    limits.cpu_request = limits.cpu_limit = resources.cores
    limits.memory_request = limits.memory_limit = resources.gigabytes


def _set_gpus(container: Any, gpu: GpuSettings, target: Target) -> None:
    kind = gpu.resource if target == "kubeflow" else gpu.type
    accelerator = container.resources.accelerator
    accelerator.type = accelerator.resource_type = kind
    accelerator.count = gpu.count
    accelerator.resource_count = str(gpu.count)


def _set_environment(container: Any, settings: Settings) -> None:
    for name, value in sorted(settings.cluster.environment.items()):
        container.env.add(name=name, value=value)
